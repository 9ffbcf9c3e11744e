package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// workloads are the kinds that every build is searched for.
var workloads = map[string]string{
	"Pod": "v1", "PodTemplate": "v1", "ReplicationController": "v1", "Deployment": "apps/v1", "StatefulSet": "apps/v1",
	"DaemonSet": "apps/v1", "ReplicaSet": "apps/v1", "Job": "batch/v1", "CronJob": "batch/v1", "Rollout": "argoproj.io/v1alpha1",
}

// place is one workload as a build yields it, in one line.
type place string

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// possible: a namespace that no namespace can be called is unknown to pullcred, for the API server refuses the object.
func possible(namespace string) string {
	if namespace != "" && !label.MatchString(namespace) {
		return ""
	}
	return namespace
}

func newPlace(kind, namespace, name string, images, secrets []string) place {
	sort.Strings(images)
	return place(fmt.Sprintf("%s %s/%s %v %v", kind, namespace, name, images, secrets))
}

// outcome is what kustomize makes of one kustomization.
type outcome struct {
	places []place
	// lifted: only without the load restriction, as Flux builds.
	lifted bool
	// refusal is why it is not built at all.
	refusal error
	// err is no verdict of kustomize but a failure of ours.
	err error
}

// builder builds with the program, or with the library when there is none.
type builder struct{ program string }

func (b builder) build(folder string) outcome {
	nodes, refusal := b.nodes(folder, true)
	lifted := false
	if refusal != nil && strings.Contains(refusal.Error(), "is not in or below") {
		nodes, refusal = b.nodes(folder, false)
		lifted = true
	}
	if refusal != nil {
		return outcome{refusal: refusal}
	}
	var places []place
	for _, node := range nodes {
		if workloads[node.GetKind()] != node.GetApiVersion() {
			continue
		}
		images, secrets, err := inside(node)
		if err != nil {
			return outcome{err: err}
		}
		if len(images) > 0 {
			places = append(places, newPlace(node.GetKind(), possible(node.GetNamespace()), node.GetName(), images, secrets))
		}
	}
	return outcome{places: places, lifted: lifted}
}

func (b builder) nodes(folder string, restricted bool) ([]*yaml.RNode, error) {
	if b.program == "" {
		return library(folder, restricted)
	}
	args := []string{"build", folder}
	if !restricted {
		args = append(args, "--load-restrictor", "LoadRestrictionsNone")
	}
	command := exec.Command(b.program, args...)
	// Nothing answers there: what is remote fails at once.
	dead := "http://127.0.0.1:9"
	command.Env = append(os.Environ(), "HTTPS_PROXY="+dead, "HTTP_PROXY="+dead, "https_proxy="+dead, "http_proxy="+dead,
		"GIT_SSH_COMMAND=false", "GIT_TERMINAL_PROMPT=0")
	out, err := command.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, errors.New(string(exit.Stderr))
	}
	if err != nil {
		return nil, err
	}
	return kio.FromBytes(out)
}

// libraryLock: the library keeps its schema in a global variable.
var libraryLock sync.Mutex

func library(folder string, restricted bool) (nodes []*yaml.RNode, err error) {
	libraryLock.Lock()
	defer libraryLock.Unlock()
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("kustomize panics: %v", reason)
		}
	}()
	options := krusty.MakeDefaultOptions()
	if !restricted {
		options.LoadRestrictions = types.LoadRestrictionsNone
	}
	found, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, err
	}
	return found.ToRNodeSlice(), nil
}

// hush keeps the library from warning of every old field.
func hush() (err error) {
	log.SetOutput(io.Discard)
	os.Stderr, err = os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	return err
}

// inside collects images and pull secrets of the pod spec.
func inside(node *yaml.RNode) (images, secrets []string, err error) {
	spec, err := node.Pipe(yaml.Lookup(podPath(node.GetKind())...))
	if err != nil || spec == nil {
		return nil, nil, err
	}
	var pod struct {
		Containers, InitContainers, EphemeralContainers []struct{ Name, Image string }
		Volumes                                         []struct {
			Name  string
			Image struct{ Reference string }
		}
		ImagePullSecrets []struct{ Name string }
	}
	text, err := spec.MarshalJSON()
	if err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(text, &pod); err != nil {
		return nil, nil, err
	}
	for _, container := range slices.Concat(pod.InitContainers, pod.Containers, pod.EphemeralContainers) {
		if container.Image != "" {
			images = append(images, container.Name+"="+container.Image)
		}
	}
	for _, volume := range pod.Volumes {
		if volume.Image.Reference != "" {
			images = append(images, volume.Name+"="+volume.Image.Reference)
		}
	}
	for _, secret := range pod.ImagePullSecrets {
		secrets = append(secrets, secret.Name)
	}
	return images, secrets, nil
}
