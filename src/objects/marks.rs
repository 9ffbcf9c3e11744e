//! What a file may be about, told at memory speed: texts without which most of what is looked for cannot be there.

use std::sync::LazyLock;

use aho_corasick::packed::Searcher;
use memchr::memmem;

/// What one of the texts speaks of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Credentials,
    Delivery,
    ArgoCd,
    Application,
    SkipRendering,
    Comment,
    Settings,
}

/// Every text, looked for in a single pass.
const TEXTS: [(&str, About); 18] = [
    // `"auths` as it stands in JSON, and as base64 has it at each of the three distances from the start.
    ("\"auths", About::Credentials),
    ("ImF1dGhz", About::Credentials),
    ("JhdXRocy", About::Credentials),
    ("iYXV0aHM", About::Credentials),
    (".fluxcd.io/", About::Delivery),
    // Tools that deploy charts and packages; Flux v1 is found by the text above.
    ("helm.cattle.io/", About::Delivery),
    ("helm.crossplane.io/", About::Delivery),
    ("addons.cluster.x-k8s.io/", About::Delivery),
    ("projectsveltos.io/", About::Delivery),
    ("packaging.carvel.dev/", About::Delivery),
    ("kappctrl.k14s.io/", About::Delivery),
    ("fluxcd.controlplane.io/", About::Delivery),
    ("argoproj.io/", About::ArgoCd),
    ("Application", About::Application),
    ("+argocd:skip-file-rendering", About::SkipRendering),
    ("pullcred:", About::Comment),
    ("ConfigMap", About::Settings),
    ("kind: Secret", About::Settings),
];

/// None on a processor that cannot compare many bytes at once.
static SEARCH: LazyLock<Option<Searcher>> = LazyLock::new(|| Searcher::new(TEXTS.map(|(text, _)| text)));

/// What a text may hold. Whatever is false it does not hold for certain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// A docker configuration, in clear or as base64.
    pub credentials: bool,
    /// Objects of Flux or Argo CD that deliver others.
    pub deliveries: bool,
    /// A comment that asks Argo CD to leave the file out.
    pub skip_rendering: bool,
    /// A comment for us.
    pub comments: bool,
    /// ConfigMaps or Secrets, which Flux may take variables from.
    pub settings: bool,
}

impl Marks {
    /// Searches a text.
    pub fn of(text: &str) -> Self {
        let mut seen = [false; TEXTS.len()];
        match &*SEARCH {
            Some(search) => {
                for found in search.find_iter(text) {
                    seen[found.pattern().as_usize()] = true;
                }
            }
            None => {
                seen = TEXTS.map(|(mark, _)| memmem::find(text.as_bytes(), mark.as_bytes()).is_some());
            }
        }
        let has = |about| TEXTS.iter().zip(seen).any(|((_, of), seen)| seen && *of == about);
        Self {
            credentials: has(About::Credentials),
            deliveries: has(About::Delivery) || has(About::ArgoCd) && has(About::Application),
            skip_rendering: has(About::SkipRendering),
            comments: has(About::Comment),
            settings: has(About::Settings),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_counts_wherever_it_stands() {
        let none = Marks::default();
        for (text, marks) in [
            ("kind: Pod\n", none),
            ("a: '{\"auths\": {}}'\n", Marks { credentials: true, ..none }),
            ("a: eyJhdXRocyI6e319\n", Marks { credentials: true, ..none }),
            ("a: 1 # pullcred: skip-file", Marks { comments: true, ..none }),
            ("argoproj.io/v1alpha1\n", none),
            ("kind: ApplicationSet\napiVersion: argoproj.io/v1alpha1\n", Marks { deliveries: true, ..none }),
            ("kustomize.toolkit.fluxcd.io/v1", Marks { deliveries: true, ..none }),
            ("# +argocd:skip-file-rendering\n", Marks { skip_rendering: true, ..none }),
        ] {
            for blanks in [0, 1, 15, 64, 1000] {
                let text = format!("{}{text}", " ".repeat(blanks));
                assert_eq!(Marks::of(&text), marks, "{text}");
            }
        }
    }
}
