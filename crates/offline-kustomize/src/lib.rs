//! Simulated kustomize builds: what `kustomize build` yields, as far as it concerns names, namespaces, images and pull
//! secrets.
//!
//! Follows kustomize 5, its oddities included, and is compared with the real program (`e2e/kustomize.sh`). Starts no
//! program, opens no file and no connection; what is known only online is said to be unknown.
//!
//! Owns the order of kustomize's steps and what each does to an object; refuses, with the file and line, what kustomize refuses.
//! [`repository`] tells what paths lead to, [`step`] what a kustomization does, [`accumulate`] runs the builds. Objects
//! are [sketches](repository::Sketch) of what somebody remembers wherever those suffice, and whole [`value`] trees elsewhere.
//!
//! ```
//! use std::collections::HashMap;
//!
//! use offline_kustomize::accumulate::Builder;
//! use offline_kustomize::kustomization;
//! use offline_kustomize::repository::{File, Repository};
//!
//! let web = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: app}]}\n";
//! let fields = kustomization::read(
//!     "namespace: shop\nnamePrefix: prod-\nresources: [web.yaml]\nimages: [{name: app, newName: registry.example.com/app, newTag: '2'}]\n",
//! );
//! let files = [
//!     File { path: "kustomization.yaml", kustomization: Some(&fields) },
//!     File { path: "web.yaml", kustomization: None },
//! ];
//! let load = |path: &str| (path == "web.yaml").then(|| web.as_bytes().to_vec());
//! let repository = Repository::new(&files, &|_| None, &load);
//!
//! let uses = HashMap::new();
//! let built = Builder::new(&repository, &uses).build(0, true).map_err(|_| "the build fails")?;
//! let pod = &built[0];
//! assert_eq!((pod.namespace(), pod.name()), ("shop", "prod-web"));
//! let containers = pod.object.at(&["spec", "containers"]).map_or(&[][..], |list| list.items());
//! assert_eq!(containers[0].str_at("image"), Some("registry.example.com/app:2"));
//! # Ok::<(), &str>(())
//! ```

pub mod accumulate;
pub mod config;
pub mod documents;
pub mod field;
pub mod generate;
pub mod json_patch;
pub mod kustomization;
pub mod merge;
pub mod notice;
pub mod patch;
pub mod plugin;
pub mod references;
pub mod replace;
pub mod repository;
pub mod resource;
pub mod schema;
pub mod selector;
pub mod step;
pub mod transform;
pub mod value;
pub mod vars;
