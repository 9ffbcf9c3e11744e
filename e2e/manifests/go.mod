// Judges a tree of manifests before and after pullcred, with the YAML reader of kubectl and a real API server.
module pullcred.dev/e2e/manifests

go 1.24.0

require go.yaml.in/yaml/v2 v2.4.3
