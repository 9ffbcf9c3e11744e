//! A whole object arrives, defaults, and several errors at once. Single errors are cases in `fixtures/refuse/config`.

use super::{Config, CredentialSource, Format, InjectInto, Recipients, Severity};
use crate::objects::site::{Purpose, Shape, Suspect};
use kubelet_keyring::pattern::needed;
use kubelet_keyring::reference::ImageRef;
use lossless_yaml::span::Position;

const CODES: [&str; 2] = ["job-immutable", "namespace-unknown"];

const WHOLE: &str = r#"# +argocd:skip-file-rendering
apiVersion: pullcred.dev/v1alpha1
kind: PullCredentials
metadata:
  name: shop
  annotations:
    config.kubernetes.io/local-config: "true"
spec:
  secrets:
    - name: acr-secret
      registries: [myregistry.azurecr.io]
      aliases: [myregistry-vpc.azurecr.io]
      credentials:
        - env: {username: ACR_USERNAME, password: ACR_PASSWORD}
        - dockerConfig: {}
        - dockerConfig:
        - file: creds/acr.enc.json
    - name: everywhere
  nodeIdentity: [attached.azurecr.io]
  inject:
    into: serviceAccounts
    defaultServiceAccount: true
    customResources:
      - {group: example.com, kind: Farm, path: 'spec.fields[].pullSecrets', shape: list-string}
    catalog: {purposes: [build, vm-disk], suspects: [name-format]}
  namespaces:
    default: apps
    rules:
      - {paths: ["teams/*/**"], namespace: "{1}"}
    exclude: [kube-system, "openshift-*"]
    always: [jobs]
  targets:
    - paths: ["clusters/prod/**"]
      output: "clusters/prod/pull-secrets/{namespace}/{name}.sops.yaml"
      recipients: [age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN alice@rust"]
    - paths: [clusters/dev]
      format: age
      recipientsFile: clusters/dev/recipients.txt
    - output: "rest/{namespace}/{name}.yml"
  paths: {include: [], exclude: ["charts/**/templates/**"]}
  findings:
    - {code: job-immutable, severity: ignore, reason: jobs have names of their own}
    - {code: namespace-unknown, severity: error, paths: [clusters], reason: every one is known}
"#;

fn image(text: &str) -> ImageRef<'_> {
    ImageRef::parse(text).unwrap()
}

#[test]
fn a_whole_object_arrives() {
    let config = Config::parse(WHOLE, &CODES).unwrap();
    assert_eq!(config.name.as_deref(), Some("shop"));

    let [acr, everywhere] = &config.secrets[..] else { panic!() };
    assert_eq!((acr.name.as_str(), acr.position), ("acr-secret", Some(Position { line: 10, column: 13 })));
    assert_eq!(acr.registries, ["myregistry.azurecr.io"]);
    assert_eq!(acr.aliases, ["myregistry-vpc.azurecr.io"]);
    assert!(needed(&acr.keys, Some(&image("myregistry-vpc.azurecr.io/app:v1"))));
    assert!(!needed(&acr.keys, Some(&image("nginx"))));
    let env =
        CredentialSource::Env { username: "ACR_USERNAME".to_owned(), password: "ACR_PASSWORD".to_owned() };
    let file = CredentialSource::File("creds/acr.enc.json".to_owned());
    assert_eq!(acr.credentials, [env, CredentialSource::DockerConfig, CredentialSource::DockerConfig, file]);
    assert!(
        everywhere.is_for_every_image() && everywhere.credentials.is_empty() && !acr.is_for_every_image()
    );
    assert!(needed(&config.node_identity, Some(&image("attached.azurecr.io/app"))));

    assert_eq!(config.inject.into, InjectInto::ServiceAccounts);
    assert!(config.inject.default_service_account);
    let farm = &config.inject.custom_resources[0];
    assert_eq!((farm.group.as_str(), farm.kind.as_str()), ("example.com", "Farm"));
    assert_eq!(farm.site.field(), Some(("pullSecrets", Shape::ListOfStrings)));
    assert_eq!(config.inject.purposes, [Purpose::Build, Purpose::VmDisk]);
    assert_eq!(config.inject.suspects, [Suspect::NameFormat]);

    let namespaces = &config.namespaces;
    assert_eq!(namespaces.default.as_ref().unwrap().value, "apps");
    let found = namespaces.of_path("teams/shop/x.yaml").unwrap();
    assert_eq!((found.value.as_str(), found.position.line), ("shop", 29));
    assert!(namespaces.excludes("kube-system") && namespaces.excludes("openshift-ingress"));
    assert!(!namespaces.excludes("shop"));
    assert_eq!(namespaces.always[0].value, "jobs");

    let [prod, dev, rest] = &config.targets[..] else { panic!() };
    assert_eq!(prod.output.path("shop", "acr"), "clusters/prod/pull-secrets/shop/acr.sops.yaml");
    let Recipients::Listed(recipients) = &prod.recipients else { panic!() };
    let listed: Vec<_> =
        recipients.iter().map(|one| (&one.value.as_str()[..11], one.position.column)).collect();
    assert_eq!(listed, [("age1lvyvwaw", 20), ("ssh-ed25519", 84)]);
    assert_eq!((dev.format, dev.output.as_str()), (Format::Age, "pull-secrets/{namespace}/{name}.yaml.age"));
    assert!(matches!(&dev.recipients, Recipients::File(file) if file.value == "clusters/dev/recipients.txt"));
    assert_eq!(rest.recipients, Recipients::CreationRule);
    let position_of = |root| config.target_of(root).and_then(|target| target.position).map(|at| at.line);
    assert_eq!(position_of("clusters/prod/kustomization.yaml"), Some(33));
    assert_eq!(position_of("clusters/dev/shop/kustomization.yaml"), Some(36));
    assert_eq!(position_of("web.yaml"), Some(39));

    assert!(config.paths.include("web.yaml") && !config.paths.include("charts/a/templates/x.yaml"));
    let severity = |code, path| config.rule_for_finding(code, path).map(|rule| rule.severity);
    assert_eq!(severity("job-immutable", "any.yaml"), Some(Severity::Ignore));
    assert_eq!(severity("namespace-unknown", "clusters/dev/x.yaml"), Some(Severity::Error));
    assert_eq!(severity("namespace-unknown", "base/x.yaml"), None);
}

#[test]
fn an_empty_spec_is_the_default() {
    let text = "apiVersion: pullcred.dev/v1alpha1\nkind: PullCredentials\nspec: {}\n";
    let config = Config::parse(text, &CODES).unwrap();
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    let target = config.target_of("any/kustomization.yaml").unwrap();
    assert_eq!(target.output.path("shop", "acr"), "pull-secrets/shop/acr.sops.yaml");
    assert_eq!((target.format, &target.recipients), (Format::Sops, &Recipients::CreationRule));
    assert!(config.paths.include("any.yaml") && config.namespaces.of_path("any.yaml").is_none());

    let nulls = "apiVersion: pullcred.dev/v1alpha1\nkind: PullCredentials\nmetadata:\nspec:\n  secrets:\n  \
                 inject:\n  namespaces:\n    default: \"\"\n    rules:\n  targets: []\n  paths:\n    include:\n";
    let config = Config::parse(nulls, &CODES).unwrap();
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = WHOLE
        .replace("name: everywhere", "name: acr-secret")
        .replace("\"openshift-*\"", "jobs")
        .replace("{namespace}/{name}.yml", "{namespace}/{nam}.yml")
        .replace("code: job-immutable", "code: jobs-immutable");
    let errors = Config::parse(&text, &CODES).unwrap_err();
    let lines: Vec<(usize, &str)> = errors.iter().map(|e| (e.position.line, e.message.as_str())).collect();
    assert_eq!(
        lines,
        [
            (18, "secret `acr-secret` is configured twice"),
            (31, "namespace `jobs` is in `exclude` too"),
            (39, "unknown placeholder `{nam}`"),
            (42, "unknown value `jobs-immutable`"),
        ]
    );
}

#[test]
fn an_object_inside_another_file_has_the_positions_of_that_file() {
    let text = "functionConfig:\n  apiVersion: pullcred.dev/v1alpha1\n  kind: PullCredentials\n  spec: {colour: 1}\n";
    let documents = lossless_yaml::parse::parse(text, lossless_yaml::span::Span::new(0, text.len())).unwrap();
    let node = documents[0].root().unwrap().get("functionConfig").unwrap();
    let errors = Config::from_node(node, &CODES).unwrap_err();
    assert_eq!((errors.len(), errors[0].position), (1, Position { line: 4, column: 10 }));
}

/// Pieces of a valid file, shuffled: whatever comes out is read or refused, at a place that exists.
#[test]
fn no_text_makes_it_panic() {
    let pieces: Vec<&str> = WHOLE.split_inclusive([' ', '\n', ',', ':', '[', '{', '"']).collect();
    let mut state = 7_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (mut read, mut refused) = (0, 0);
    for _ in 0..1_500 {
        let mut pieces = pieces.clone();
        for _ in 0..=random(3) {
            let (from, to) = (random(pieces.len()), random(pieces.len()));
            match random(3) {
                0 => pieces.swap(from, to),
                1 => pieces
                    .insert(to, ["\u{feff}", "\t", "*a", "&a ", "- ", "{1}", "é", "**/", "\0"][from % 9]),
                _ => {
                    pieces.remove(from);
                }
            }
        }
        let text = pieces.concat();
        match Config::parse(&text, &CODES) {
            Ok(_) => read += 1,
            Err(errors) => {
                refused += 1;
                let lines = text.split('\n').count();
                assert!(!errors.is_empty());
                for error in errors {
                    assert!((1..=lines).contains(&error.position.line), "{error:?}\n{text}");
                    assert!(!error.message.contains('\n') && !error.message.ends_with('.'), "{error:?}");
                }
            }
        }
    }
    assert!(read > 50 && refused > 500, "{read} {refused}");
}
