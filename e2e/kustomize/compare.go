package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
)

// list is what is compared of `pullcred list -o json`.
type list struct {
	Workloads []struct {
		File, Kind, APIVersion string
		Deployments            []deployment
	}
}

type deployment struct {
	Namespace, Name *string
	Source          []struct {
		Rule, File string
	}
	Images *[]struct {
		Container, Image string
	}
	PullSecrets []*string
}

// places are what pullcred lists.
type places struct {
	// all of them, each with its repository before it.
	all map[string]bool
	// byRoot: those that it says a build yields, by the folder of the build root.
	byRoot map[string][]place
	// unknown counts places by build root of which it says that they cannot be known.
	unknown map[string]int
}

func newPlaces(listed list) places {
	result := places{map[string]bool{}, map[string][]place{}, map[string]int{}}
	text := func(text *string) string {
		if text == nil {
			return ""
		}
		return *text
	}
	for _, workload := range listed.Workloads {
		if workloads[workload.Kind] != workload.APIVersion {
			continue
		}
		for _, deployment := range workload.Deployments {
			chain := deployment.Source
			if last := len(chain) - 1; last >= 0 && chain[last].File == claims {
				chain = chain[:last]
			}
			root := ""
			if last := len(chain) - 1; last >= 0 && chain[last].Rule == "kustomize" {
				root = filepath.Dir(chain[last].File)
			}
			if deployment.Name == nil || deployment.Images == nil {
				if root != "" {
					result.unknown[root]++
				}
				continue
			}
			if len(*deployment.Images) == 0 {
				continue
			}
			var images, secrets []string
			for _, image := range *deployment.Images {
				images = append(images, image.Container+"="+image.Image)
			}
			for _, secret := range deployment.PullSecrets {
				secrets = append(secrets, text(secret))
			}
			place := newPlace(workload.Kind, text(deployment.Namespace), *deployment.Name, images, secrets)
			result.all[within(workload.File, place)] = true
			if root != "" {
				result.byRoot[root] = append(result.byRoot[root], place)
			}
		}
	}
	return result
}

// within puts the repository before a place: equal workloads of two repositories are two.
func within(path string, place place) string {
	repository, _, _ := strings.Cut(path, "/")
	return repository + ": " + string(place)
}

// remote is what kustomize says of builds that need more than the repository has. pullcred knows what does not depend on that.
var remote = regexp.MustCompile(`127\.0\.0\.1:9|git fetch|git init|hit \S+ timeout|Could not resolve host|must build at directory: not a valid directory: evalsymlink failure on '[^']*(https?:|github\.com)`)

// conflict is what kustomize says when two objects of a build have one identity, and the kind of the objects.
var conflict = regexp.MustCompile(`already registered id: ([A-Za-z]+)\.|ID conflict: \[\{"apiVersion":"[^"]*","kind":"([A-Za-z]+)"`)

// isDocumented: a build in which only objects without a pod spec are at fault is taken to succeed, as docs/namespaces.md says.
func isDocumented(refusal string) bool {
	// What went wrong in a Component is quoted.
	found := conflict.FindStringSubmatch(strings.ReplaceAll(refusal, `\`, ""))
	return found != nil && workloads[found[1]+found[2]] == ""
}

// report is the result of a comparison.
type report struct {
	kustomizations, components, built, lifted, online, documented, refused int
	workloads, checked                                                     int
	problems                                                               []string
}

func (r *report) problem(folder, text string, place place) {
	r.problems = append(r.problems, fmt.Sprintf("%s: %s  %s", folder, text, place))
}

// compare builds every kustomization and holds the lists against the builds: each workload of a build is listed with its namespace,
// name, images and pull secrets, and what is listed for a build is in it. In `claimed` every kustomization is a build root, in
// `asItIs` those that no other one includes.
func compare(tree string, with builder, asItIs, claimed list) error {
	if err := hush(); err != nil {
		return err
	}
	found, err := kustomizations(tree)
	if err != nil {
		return err
	}
	outcomes := buildAll(tree, with, found)
	natural, everywhere := newPlaces(asItIs), newPlaces(claimed)
	result := report{kustomizations: len(found.names) + len(found.components), components: len(found.components)}
	for _, listed := range []places{natural, everywhere} {
		for root := range listed.byRoot {
			if !found.isRoot(root) {
				result.problem(root, "pullcred builds it, but there is no kustomization to build", "")
			}
		}
	}
	for n, folder := range found.names {
		outcome := outcomes[n]
		if outcome.err != nil {
			return fmt.Errorf("%s: %w", folder, outcome.err)
		}
		result.count(outcome)
		if outcome.refusal == nil {
			result.hold(folder, outcome.places, everywhere)
			if !found.included[folder] {
				result.hold(folder, outcome.places, natural)
			}
			continue
		}
		text := outcome.refusal.Error()
		if remote.MatchString(text) || isDocumented(text) {
			continue
		}
		for _, listed := range []places{natural, everywhere} {
			for _, place := range listed.byRoot[folder] {
				result.problem(folder, "kustomize refuses it, but pullcred has", place)
			}
		}
	}
	return result.end()
}

func (r *report) count(outcome outcome) {
	switch {
	case outcome.refusal == nil && outcome.lifted:
		r.lifted++
	case outcome.refusal == nil:
		r.built++
	case remote.MatchString(outcome.refusal.Error()):
		r.online++
	case isDocumented(outcome.refusal.Error()):
		r.documented++
	default:
		r.refused++
	}
}

func (r *report) hold(folder string, places []place, listed places) {
	expected := map[place]bool{}
	for _, place := range places {
		r.workloads++
		expected[place] = true
		if !listed.all[within(folder, place)] {
			r.problem(folder, "kustomize builds ", place)
		}
	}
	for _, place := range listed.byRoot[folder] {
		r.checked++
		if !expected[place] {
			r.problem(folder, "only pullcred has", place)
		}
	}
	if len(places) > 0 && listed.unknown[folder] > 0 {
		r.problem(folder, "kustomize builds it, but pullcred says that it cannot be known", "")
	}
}

func (r *report) end() error {
	fmt.Printf("%d kustomizations, %d of them Components\n", r.kustomizations, r.components)
	fmt.Printf("  built by kustomize      %6d, %d only without its load restriction\n", r.built+r.lifted, r.lifted)
	fmt.Printf("  refused by kustomize    %6d, %d more for objects without a pod spec: a documented limit\n", r.refused, r.documented)
	fmt.Printf("  remote in part          %6d, not built\n", r.online)
	fmt.Printf("  workloads of the builds %6d, %d places of pullcred held against them\n", r.workloads, r.checked)
	const most = 40
	for n, problem := range r.problems {
		if n == most {
			fmt.Printf("… and %d more\n", len(r.problems)-n)
			break
		}
		fmt.Println(problem)
	}
	if len(r.problems) > 0 {
		return fmt.Errorf("%d differences", len(r.problems))
	}
	if r.workloads == 0 || r.checked == 0 {
		return errors.New("nothing was compared")
	}
	return nil
}

func buildAll(tree string, with builder, found found) []outcome {
	outcomes := make([]outcome, len(found.names))
	var group sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU()+1)
	for n, folder := range found.names {
		slots <- struct{}{}
		group.Go(func() {
			outcomes[n] = with.build(filepath.Join(tree, folder))
			<-slots
		})
	}
	group.Wait()
	return outcomes
}
