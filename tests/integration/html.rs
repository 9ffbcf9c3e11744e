//! The page of `list`: what it holds. How it looks and behaves is for `e2e/html.sh`, with a browser.

use serde_json::Value;

use crate::support::{Tree, text};

const BASE: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  imagePullSecrets: [{name: regcred}]\n  containers:\n    - {name: web, image: \"r.example.com/web:1\"}\n";

fn gaps(tree: &Tree) -> Vec<(String, String, String)> {
    let ended = tree.pullcred(["list", "-o", "html"]);
    assert_eq!(ended.status, 0, "{}", ended.messages());
    let page = ended.data();
    let data = page.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
    let data: Value = serde_json::from_str(data).unwrap();
    let mut found = Vec::new();
    for (nth, workload) in data["list"]["workloads"].as_array().unwrap().iter().enumerate() {
        for gap in data["gaps"][nth].as_array().unwrap() {
            let place = usize::try_from(gap["deployment"].as_u64().unwrap()).unwrap();
            let namespace = workload["deployments"][place]["namespace"].clone();
            let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
            found.push((text(&workload["name"]), text(&namespace), text(&gap["code"])));
        }
    }
    found
}

#[test]
fn gaps_are_those_of_each_deployment() {
    let tree = Tree::with("base/web.yaml", BASE);
    let config = "apiVersion: pullcred.dev/v1alpha1\nkind: PullCredentials\nspec:\n  secrets:\n    - {name: regcred, registries: [r.example.com]}\n    - {name: other, registries: [o.example.com]}\n";
    tree.write(".pullcred.yaml", config);
    tree.write("base/kustomization.yaml", "resources: [web.yaml]\n");
    for (name, more) in [
        ("shop", "resources: [../base, secret.yaml]\n"),
        ("lacking", "resources: [../base]\n"),
        (
            "moved",
            "resources: [../base, secret.yaml]\nimages: [{name: r.example.com/web, newName: o.example.com/web}]\n",
        ),
    ] {
        tree.write(&format!("{name}/kustomization.yaml"), format!("namespace: {name}\n{more}"));
        if more.contains("secret.yaml") {
            let secret =
                "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: regcred}\nspec: {}\n";
            tree.write(&format!("{name}/secret.yaml"), secret);
        }
    }
    let expected = [("lacking", "secret-not-shipped"), ("moved", "pull-secret-missing")];
    let expected =
        expected.map(|(namespace, code)| ("web".to_owned(), namespace.to_owned(), code.to_owned()));
    let mut found = gaps(&tree);
    found.sort();
    assert_eq!(found, expected);
    let ignored = BASE.replace("regcred}]", "regcred}] # pullcred: ignore secret-not-shipped made by hand");
    tree.write("base/web.yaml", ignored);
    assert_eq!(gaps(&tree), expected[1..]);
    assert!(text(tree.read("base/web.yaml")).contains("by hand"), "nothing is written");
}
