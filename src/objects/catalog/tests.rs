//! Tests of the catalog: its text is sorted and read whole, its counts are those of its source, and well-known kinds
//! are as their published types have them.

use super::{CUSTOM, Kind, Scope, custom_site, knows, lookup};
use crate::objects::field_path::Step;
use crate::objects::site::{Purpose, Shape, Site, Suspect, What};
use std::collections::{BTreeMap, BTreeSet};

fn columns(row: &str) -> Vec<&str> {
    row.split('\t').collect()
}

fn kinds() -> BTreeSet<(&'static str, &'static str)> {
    CUSTOM.lines().map(|row| (columns(row)[0], columns(row)[1])).collect()
}

fn custom_sites() -> Vec<Site> {
    CUSTOM.lines().map(|row| custom_site(row).unwrap_or_else(|| panic!("unread row: {row}"))).collect()
}

/// The sites of a kind as lines, for comparison: path, what or shape, and what is out of the ordinary.
fn shown(group: &str, kind: &str) -> Vec<String> {
    let Some(kind) = lookup(group, kind) else { return Vec::new() };
    let line = |site: Site| {
        let what = match site.what {
            What::PodSpec => "pod-spec",
            What::Field(shape) => shape.name(),
            What::EmbeddedObject => "embedded-object",
            What::ContainersOnly => "containers-only",
        };
        let mut line = format!("{} {what}", site.path);
        if site.purpose != Purpose::Pod {
            line += &format!(" {}", site.purpose);
        }
        if let Some(suspect) = site.suspect {
            line += &format!(" {suspect}");
        }
        if !site.versions.is_empty() {
            line += &format!(" {}", site.versions);
        }
        line
    };
    kind.sites().map(line).collect()
}

#[test]
fn rows_are_sorted_plain_and_unique() {
    let rows: Vec<_> = CUSTOM.lines().collect();
    for pair in rows.windows(2) {
        assert!(pair[0] < pair[1], "{} must come before {}", pair[1], pair[0]);
    }
    for row in rows {
        assert!(row.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)), "{row}");
        assert!((4..=5).contains(&columns(row).len()), "{row}");
        assert!(columns(row).iter().all(|column| !column.is_empty() && column.trim() == *column), "{row}");
    }
    assert!(CUSTOM.ends_with('\n'));
}

#[test]
fn every_row_is_read_with_every_note() {
    for (row, site) in CUSTOM.lines().zip(custom_sites()) {
        let mut notes = Vec::new();
        if site.purpose != Purpose::Pod {
            notes.push(format!("purpose={}", site.purpose));
        }
        let (group, kind) = (columns(row)[0], columns(row)[1]);
        match lookup(group, kind).map(Kind::scope) {
            Some(Scope::Namespaced) => {}
            Some(Scope::Cluster) => notes.push("scope=cluster".to_owned()),
            Some(Scope::Unknown) => notes.push("scope=unknown".to_owned()),
            None => panic!("not found: {row}"),
        }
        notes.extend(site.suspect.map(|suspect| format!("suspect={suspect}")));
        if !site.versions.is_empty() {
            notes.push(format!("versions={}", site.versions));
        }
        assert_eq!(notes.join(" "), columns(row).get(4).copied().unwrap_or(""), "{row}");
        assert_eq!(site.path.to_string(), columns(row)[2]);
    }
}

/// The counts that the source gives of itself; `data/README.md` has them too.
#[test]
fn counts_are_those_of_the_source() {
    let sites = custom_sites();
    let kinds = kinds();
    assert_eq!(kinds.len(), 735);
    assert_eq!(kinds.iter().map(|(group, _)| group).collect::<BTreeSet<_>>().len(), 322);
    assert_eq!(sites.len(), 1522);

    let count = |test: &dyn Fn(&Site) -> bool| sites.iter().filter(|site| test(site)).count();
    assert_eq!(count(&|site| site.what == What::PodSpec), 295 + 211);
    assert_eq!(count(&|site| matches!(site.what, What::Field(_))), 857);
    assert_eq!(count(&|site| site.what == What::EmbeddedObject), 81);
    assert_eq!(count(&|site| site.what == What::ContainersOnly), 78);
    let declared = CUSTOM.lines().filter(|row| columns(row)[3] == "pod-spec").count();
    assert_eq!(declared, 295);

    // The source marks 71 sites; the two reasons that come from its `format` and `list-open` are not among them.
    let marked = |site: &Site| !matches!(site.suspect, None | Some(Suspect::NameFormat | Suspect::OpenList));
    assert_eq!(count(&marked), 71);
    assert_eq!(count(&|site| site.suspect == Some(Suspect::NameFormat)), 21);
    assert_eq!(count(&|site| site.suspect == Some(Suspect::OpenList)), 1);

    let written =
        |site: &Site| !marked(site) && (site.what == What::PodSpec || matches!(site.what, What::Field(_)));
    let shape = |site: &Site| match site.what {
        What::Field(shape) => shape,
        _ => Shape::ListOfNames,
    };
    let of_shape = |wanted| count(&|site| written(site) && shape(site) == wanted);
    assert_eq!(Shape::ALL.iter().map(|&one| of_shape(one)).collect::<Vec<_>>(), [979, 141, 104, 81, 1]);
    assert_eq!(count(&|site| written(site) && site.purpose == Purpose::Pod), 1193);
    assert_eq!(count(&|site| written(site) && site.purpose != Purpose::Pod), 113);
}

/// A field's name does not tell its shape: the source's table of names, without the suspect ones.
#[test]
fn names_of_fields_and_their_shapes() {
    let mut names: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for site in custom_sites().iter().filter(|site| site.suspect.is_none()) {
        if let (What::Field(_), Some((name, shape))) = (site.what, site.field()) {
            *names.entry((name.to_owned(), shape.name())).or_default() += 1;
        }
    }
    for (name, shape, count) in [
        ("imagePullSecrets", "list-name", 428),
        ("imagePullSecrets", "list-string", 86),
        ("imagePullSecret", "string", 40),
        ("imagePullSecret", "object-name", 36),
        ("imagePullSecret", "list-name", 1),
        ("pullSecrets", "list-name", 42),
        ("pullSecrets", "list-string", 24),
        ("pullSecretRef", "object-name", 20),
        ("pullSecretRef", "list-string", 11),
        ("image_pull_secrets", "list-string", 5),
        ("imagepullsecret", "object-name", 13),
    ] {
        assert_eq!(names.get(&(name.to_owned(), shape)), Some(&count), "{name} {shape}");
    }
}

#[test]
fn every_kind_is_found_with_all_its_rows_and_no_neighbour_is() {
    let mut kinds: BTreeMap<(&str, &str), Vec<Site>> = BTreeMap::new();
    for (row, site) in CUSTOM.lines().zip(custom_sites()) {
        kinds.entry((columns(row)[0], columns(row)[1])).or_default().push(site);
    }
    for (&(group, kind), sites) in &kinds {
        let found = lookup(group, kind).unwrap();
        assert!(!found.is_built_in());
        assert_eq!(found.sites().collect::<Vec<_>>(), *sites, "{group} {kind}");
        for (group, kind) in [
            (group, format!("{kind}X").as_str()),
            (group, &kind[1..]),
            (group, ""),
            (&format!("{group}."), kind),
            (&group[..group.len() - 1], kind),
            (&format!("{group}\t{kind}"), ""),
        ] {
            assert_eq!(knows(group, kind), kinds.contains_key(&(group, kind)), "{group} {kind}");
        }
    }
}

#[test]
fn unknown_kinds_have_no_sites() {
    for (group, kind) in [
        ("", ""),
        ("argoproj.io\tRollout", "spec.template.spec"),
        ("argoproj.io", "Rollout\tspec.template.spec"),
        ("", "Service"),
        ("group", "kind"),
        ("apps", "Pod"),
        ("extensions", "Ingress"),
        ("extensions", "StatefulSet"),
        ("", "Deployment"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("opentelemetry.io", "OpenTelemetryCollector"),
        ("tekton.dev", "Task"),
        ("zzz", "Last"),
        ("~", "~"),
    ] {
        assert!(!knows(group, kind), "{group} {kind}");
    }
}

#[test]
fn built_in_kinds() {
    for (groups, kind, expected) in [
        (&[""][..], "Pod", "spec pod-spec"),
        (&[""], "PodTemplate", "template.spec pod-spec"),
        (&[""], "ReplicationController", "spec.template.spec pod-spec"),
        (&[""], "ServiceAccount", "imagePullSecrets list-name service-account"),
        (&["apps", "extensions"], "DaemonSet", "spec.template.spec pod-spec"),
        (&["apps", "extensions"], "Deployment", "spec.template.spec pod-spec"),
        (&["apps", "extensions"], "ReplicaSet", "spec.template.spec pod-spec"),
        (&["apps"], "StatefulSet", "spec.template.spec pod-spec"),
        (&["batch"], "Job", "spec.template.spec pod-spec"),
        (&["batch"], "CronJob", "spec.jobTemplate.spec.template.spec pod-spec"),
    ] {
        for group in groups {
            assert_eq!(shown(group, kind), [expected], "{group} {kind}");
            let kind = lookup(group, kind).unwrap();
            assert!(kind.is_built_in() && kind.scope() == Scope::Namespaced);
        }
    }
    let account = lookup("", "ServiceAccount").unwrap().sites().next().unwrap();
    assert_eq!(account.field(), Some(("imagePullSecrets", Shape::ListOfNames)));
    assert_eq!(account.mapping().steps().next(), None);
    assert!(!account.default_on());
}

/// Well-known kinds, each compared with its published types by hand.
#[test]
fn well_known_kinds() {
    for (group, kind, expected) in [
        ("argoproj.io", "Rollout", &["spec.template.spec pod-spec"][..]),
        ("argoproj.io", "Experiment", &["spec.templates[].template.spec pod-spec"]),
        (
            "argoproj.io",
            "Workflow",
            &[
                "spec.imagePullSecrets list-name",
                "spec.templateDefaults.containerSet containers-only",
                "spec.templates[].containerSet containers-only",
            ],
        ),
        (
            "argoproj.io",
            "CronWorkflow",
            &[
                "spec.workflowSpec.imagePullSecrets list-name",
                "spec.workflowSpec.templateDefaults.containerSet containers-only",
                "spec.workflowSpec.templates[].containerSet containers-only",
            ],
        ),
        (
            "argoproj.io",
            "Sensor",
            &[
                "spec.template.imagePullSecrets list-name",
                "spec.triggers[].template.argoWorkflow.source.resource embedded-object",
                "spec.triggers[].template.k8s.source.resource embedded-object",
            ],
        ),
        (
            "ray.io",
            "RayCluster",
            &["spec.headGroupSpec.template.spec pod-spec", "spec.workerGroupSpecs[].template.spec pod-spec"],
        ),
        (
            "ray.io",
            "RayJob",
            &[
                "spec.rayClusterSpec.headGroupSpec.template.spec pod-spec",
                "spec.rayClusterSpec.workerGroupSpecs[].template.spec pod-spec",
                "spec.submitterPodTemplate.spec pod-spec",
            ],
        ),
        (
            "ray.io",
            "RayService",
            &[
                "spec.rayClusterConfig.headGroupSpec.template.spec pod-spec",
                "spec.rayClusterConfig.workerGroupSpecs[].template.spec pod-spec",
            ],
        ),
        ("serving.knative.dev", "Service", &["spec.template.spec pod-spec"]),
        ("serving.knative.dev", "Configuration", &["spec.template.spec pod-spec"]),
        ("serving.knative.dev", "Revision", &["spec pod-spec"]),
        ("tekton.dev", "TaskRun", &["spec.podTemplate.imagePullSecrets list-name"]),
        (
            "tekton.dev",
            "PipelineRun",
            &[
                "spec.podTemplate.imagePullSecrets list-name v1beta1",
                "spec.taskRunSpecs[].podTemplate.imagePullSecrets list-name v1",
                "spec.taskRunSpecs[].taskPodTemplate.imagePullSecrets list-name v1beta1",
                "spec.taskRunTemplate.podTemplate.imagePullSecrets list-name v1",
            ],
        ),
        (
            "triggers.tekton.dev",
            "EventListener",
            &["spec.resources.kubernetesResource.spec.template.spec pod-spec v1beta1"],
        ),
        ("monitoring.coreos.com", "Prometheus", &["spec pod-spec"]),
        ("monitoring.coreos.com", "Alertmanager", &["spec pod-spec"]),
        (
            "kafka.strimzi.io",
            "Kafka",
            &[
                "spec.cruiseControl.template.pod.imagePullSecrets list-name",
                "spec.entityOperator.template.pod.imagePullSecrets list-name",
                "spec.jmxTrans.template.pod.imagePullSecrets list-name v1beta2",
                "spec.kafka.template.pod.imagePullSecrets list-name",
                "spec.kafkaExporter.template.pod.imagePullSecrets list-name",
                "spec.zookeeper.template.pod.imagePullSecrets list-name v1beta2",
            ],
        ),
        ("elasticsearch.k8s.elastic.co", "Elasticsearch", &["spec.nodeSets[].podTemplate.spec pod-spec"]),
        (
            "sparkoperator.k8s.io",
            "SparkApplication",
            &[
                "spec.driver.template.spec pod-spec",
                "spec.executor.template.spec pod-spec",
                "spec.imagePullSecrets list-string",
            ],
        ),
        ("sailoperator.io", "Istio", &["spec.values.global.imagePullSecrets list-string"]),
        ("install.istio.io", "IstioOperator", &["spec.values.global.imagePullSecrets list-string"]),
        ("extensions.istio.io", "WasmPlugin", &["spec.imagePullSecret string oci-artifact"]),
        (
            "awx.ansible.com",
            "AWX",
            &[
                "spec.ee_pull_credentials_secret string",
                "spec.image_pull_secret string",
                "spec.image_pull_secrets list-string",
            ],
        ),
        ("kubeflow.org", "MPIJob", &["spec.mpiReplicaSpecs{}.template.spec pod-spec"]),
        ("kubeflow.org", "PyTorchJob", &["spec.pytorchReplicaSpecs{}.template.spec pod-spec"]),
        ("keda.sh", "ScaledJob", &["spec.jobTargetRef.template.spec pod-spec"]),
        ("batch.volcano.sh", "Job", &["spec.tasks[].template.spec pod-spec"]),
        ("jobset.x-k8s.io", "JobSet", &["spec.replicatedJobs[].template.spec.template.spec pod-spec"]),
        ("apps.kruise.io", "CloneSet", &["spec.template.spec pod-spec"]),
        ("apps.openshift.io", "DeploymentConfig", &["spec.template.spec pod-spec"]),
        ("minio.min.io", "Tenant", &["spec.imagePullSecret object-name", "spec.sideCars containers-only"]),
        ("kiali.io", "Kiali", &["spec.deployment.image_pull_secrets list-string"]),
        ("postgresql.cnpg.io", "Pooler", &["spec.template.spec pod-spec"]),
        ("pkg.crossplane.io", "Provider", &["spec.packagePullSecrets list-name package"]),
        ("source.toolkit.fluxcd.io", "OCIRepository", &["spec.secretRef object-name oci-artifact"]),
        ("operators.coreos.com", "CatalogSource", &["spec.secrets list-string"]),
        ("work.open-cluster-management.io", "ManifestWork", &["spec.workload.manifests[] embedded-object"]),
        ("template.openshift.io", "Template", &["objects[] embedded-object"]),
        ("kubeflow.org", "Experiment", &["spec.trialTemplate.trialSpec embedded-object"]),
        ("argoproj.io", "ArgoCD", &["spec.repositoryCredentials string not-a-reference"]),
    ] {
        assert_eq!(shown(group, kind), expected, "{group} {kind}");
    }
    let nvidia = shown("nvidia.com", "ClusterPolicy");
    assert!(nvidia.contains(&"spec.driver.imagePullSecrets list-string".to_owned()), "{nvidia:?}");
    assert!(nvidia.iter().all(|line| line.ends_with("list-string") || line.ends_with("oci-artifact")));
    let kyverno = shown("kyverno.io", "ClusterPolicy");
    assert!(!kyverno.is_empty() && kyverno.iter().all(|line| line.ends_with("image-verify name-format")));
}

#[test]
fn scopes() {
    for (group, kind, scope) in [
        ("argoproj.io", "Workflow", Scope::Namespaced),
        ("argoproj.io", "ClusterWorkflowTemplate", Scope::Cluster),
        ("sailoperator.io", "Istio", Scope::Cluster),
        ("trident.netapp.io", "TridentOrchestrator", Scope::Unknown),
    ] {
        assert_eq!(lookup(group, kind).unwrap().scope(), scope, "{group} {kind}");
    }
}

#[test]
fn a_quoted_name_is_one_step() {
    let mut sites = lookup("litmuschaos.io", "ChaosEngine").unwrap().sites();
    assert!(sites.any(|site| site.path.steps().any(|step| step == Step::Key("cmdProbe/inputs"))));
}
