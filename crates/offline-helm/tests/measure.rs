//! Charts of a few lines, and what measuring tells of them.

use offline_helm::measure::{Measured, measure};
use offline_helm::probe::{Candidate, Shape};
use offline_helm::{File, Layer, Options};

/// A chart of these values, and these pods, each in a file of its own.
fn measured(values: &str, pods: &[&str]) -> Measured {
    measured_with(values, pods, "")
}

/// The same, with values that somebody gives.
fn measured_with(values: &str, pods: &[&str], given: &str) -> Measured {
    let file = |name: &str, text: &str| File { name: name.to_owned(), data: text.as_bytes().to_vec() };
    let mut files =
        vec![file("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3\n"), file("values.yaml", values)];
    let name = |nth: usize| format!("templates/pod{nth}.yaml");
    files.extend(pods.iter().enumerate().map(|(nth, text)| file(&name(nth), text)));
    let options = Options { release: "rel".to_owned(), ..Options::default() };
    let given = Layer::File { name: "given".to_owned(), text: given.to_owned() };
    measure(files, &[given], &options).expect("the chart renders")
}

fn pod(name: &str, image: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n{more}  containers: [{{name: main, image: \"{image}\"}}]\n"
    )
}

fn list(path: &str) -> Candidate {
    Candidate { path: path.split('.').map(str::to_owned).collect(), shape: Shape::ListOfNames }
}

#[test]
fn the_value_at_the_top_goes_before_the_one_for_all_charts() {
    let secrets = "  imagePullSecrets: {{ concat (.Values.global.imagePullSecrets | default list) .Values.imagePullSecrets | toJson }}\n";
    let found = measured("global: {}\nimagePullSecrets: []\n", &[&pod("a", "x/y:1", secrets)]);
    assert_eq!(found.set, [list("imagePullSecrets")]);
    let paths: Vec<_> = found.reaches.iter().map(|reach| reach.value.path.join(".")).collect();
    assert_eq!(paths, ["imagePullSecrets", "global.imagePullSecrets"]);
    assert!(found.reaches.iter().all(|reach| reach.loses.is_empty()), "both count");
}

#[test]
fn what_the_field_is_taken_from_is_tried_whatever_it_is_called() {
    let secret =
        "  {{- with .Values.global.registry.secret }}\n  imagePullSecrets: [{name: {{ . }}}]\n  {{- end }}\n";
    let helped = "  imagePullSecrets: {{ include \"of\" . }}\n";
    let helpers = "{{- define \"of\" }}{{ include \"deeper\" . }}{{ end }}\n{{- define \"deeper\" }}{{ .Values.credentials | default list | toJson }}{{ end }}\n{{- define \"unasked\" }}{{ .Values.secretOfAnother }}{{ end }}\n";
    let pods = [pod("a", "x/y:1", secret), format!("{helpers}{}", pod("b", "x/y:1", helped))];
    let found = measured("global: {registry: {}}\n", &[&pods[0], &pods[1]]);
    let keys = |path: &str| path.split('.').map(str::to_owned).collect();
    let one = Candidate { path: keys("global.registry.secret"), shape: Shape::OneString };
    assert_eq!(found.set, [list("credentials"), one]);
}

#[test]
fn a_more_particular_value_takes_the_place_of_another() {
    let secrets = "  imagePullSecrets: {{ .Values.web.imagePullSecrets | default .Values.imagePullSecrets | toJson }}\n";
    let other = "  imagePullSecrets: {{ .Values.imagePullSecrets | toJson }}\n";
    let values = "imagePullSecrets: []\nweb: {imagePullSecrets: []}\n";
    let found = measured(values, &[&pod("a", "x/y:1", other), &pod("b", "x/y:1", secrets)]);
    assert_eq!(found.set, [list("imagePullSecrets")]);
    let loses: Vec<_> =
        found.reaches.iter().map(|reach| reach.loses.iter().copied().collect::<Vec<_>>()).collect();
    assert_eq!(loses, [vec![1], vec![]]);
}

#[test]
fn parts_that_are_off_are_known_too() {
    let off = format!(
        "{{{{- if .Values.metrics.enabled }}}}\n{}{{{{- end }}}}\n",
        pod("b", "{{ .Values.metrics.image }}", "")
    );
    let nested = off.replace("metrics.enabled", "metrics.proxy.enabled").replace("name: b", "name: c");
    let inner = format!("{{{{- if .Values.metrics.enabled }}}}\n{nested}{{{{- end }}}}\n");
    let values = "metrics: {enabled: false, image: 'quay.io/a/b:2', proxy: {enabled: false}}\nbreaks: {enabled: false}\n";
    let broken = pod("a", "x/y:1", "{{ if .Values.breaks.enabled }}{{ fail \"no\" }}{{ end }}\n");
    let found = measured(values, &[&broken, &off, &inner]);
    let names =
        |pods: &[offline_helm::probe::Pod]| pods.iter().map(|pod| pod.name.clone()).collect::<Vec<_>>();
    assert_eq!(
        (names(&found.pods), names(&found.optional_pods)),
        (vec!["a".to_owned()], vec!["b".to_owned(), "c".to_owned()])
    );
    assert_eq!(found.images.len(), 1);
    assert!(found.images[0].is_optional && found.images[0].moves.is_none());
    assert_eq!(found.images[0].path, ["metrics", "image"]);
    assert_eq!(found.other_images, ["x/y:1"]);
}

#[test]
fn images_are_known_by_the_value_that_moves_them() {
    let image = "{{ .Values.global.imageRegistry | default .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.Version }}";
    let values = "global: {imageRegistry: ''}\nimage: {registry: quay.io, repository: a/b, tag: ''}\n";
    let found = measured(values, &[&pod("a", image, "")]);
    assert_eq!(found.images.len(), 1);
    assert_eq!(found.images[0].path, ["image"]);
    assert_eq!(found.images[0].moves.as_deref(), Some("registry"));
    assert_eq!(found.images[0].fields, ["repository", "tag"]);
    assert!(found.images[0].default.contains("quay.io/a/b:1.2.3"));
    assert_eq!(found.registries, [(vec!["global".to_owned(), "imageRegistry".to_owned()], 1, 1)]);
    assert!(found.other_images.is_empty());
}

#[test]
fn a_list_that_only_the_service_account_has_is_marked() {
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: runner}\nimagePullSecrets: {{ .Values.serviceAccount.imagePullSecrets | toJson }}\n";
    let with = pod("a", "x/y:1", "  serviceAccountName: runner\n");
    let found = measured("serviceAccount: {imagePullSecrets: []}\n", &[account, &with]);
    assert_eq!(found.set, [list("serviceAccount.imagePullSecrets")]);
    assert!(found.reaches[0].is_account);
}

#[test]
fn an_image_that_is_given_is_no_default() {
    let image = "{{ .Values.image.repository }}:{{ .Values.image.tag }}";
    let found =
        measured_with("image: {tag: '1'}\n", &[&pod("a", image, "")], "image: {repository: ghcr.io/a/b}\n");
    assert_eq!(found.images[0].path, ["image"]);
    assert!(found.images[0].default.is_empty() && found.other_images.is_empty());
}

#[test]
fn keys_that_may_be_any_are_known_as_such() {
    let pods = "{{- range $name, $pod := .Values.pods }}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: {{ $name }}}\nspec:\n  \
                imagePullSecrets: {{ $.Values.imagePullSecrets | toJson }}\n  containers:\n  {{- range $key, $container := $pod.containers }}\n  \
                - {name: {{ $key }}, image: \"{{ $container.image.repository }}:{{ $container.image.tag }}\"}\n  {{- end }}\n{{- end }}\n{{- if .Values.main }}\n{{ get .Values.pods .Values.main | required \"main\" | toJson | printf \"# %s\" }}\n{{- end }}\n";
    let given = "main: web\npods: {web: {containers: {app: {image: {repository: ghcr.io/a/b, tag: 1}}}}}\n";
    let found = measured_with("imagePullSecrets: []\npods: {}\n", &[pods], given);
    assert_eq!(found.workloads.as_deref(), Some(&["pods".to_owned()][..]));
    assert_eq!(found.images.len(), 1);
    assert_eq!(found.images[0].path, ["pods", "*", "containers", "*", "image"]);
    assert!(found.images[0].default.is_empty());
    // One of a chart's own is what it is called.
    let own = "image: {repository: ghcr.io/a/b, tag: 1}\n";
    let image = "{{ .Values.image.repository }}:{{ .Values.image.tag }}";
    let found = measured_with("", &[&pod("a", image, "")], own);
    assert_eq!((found.workloads, found.images[0].path.clone()), (None, vec!["image".to_owned()]));
}
