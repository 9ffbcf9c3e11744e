package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"
)

// server is a Kubernetes API server and the built-in kinds that it serves.
type server struct {
	url, token string
	client     *http.Client
	resources  map[string]resource // by apiVersion and kind
}

type resource struct {
	path       string // of the API group, as /apis/apps/v1
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced"`
}

func newServer() (*server, error) {
	authority, err := os.ReadFile(os.Getenv("API_CA"))
	if err != nil {
		return nil, fmt.Errorf("API_CA: %w; start this through e2e/api-server", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: workers}
	s := &server{
		url:       os.Getenv("API_SERVER"),
		token:     os.Getenv("API_TOKEN"),
		client:    &http.Client{Transport: transport, Timeout: 30 * time.Second},
		resources: map[string]resource{},
	}
	return s, s.discover()
}

// discover asks which kinds there are.
func (s *server) discover() error {
	var groups struct {
		Groups []struct {
			Versions []struct {
				GroupVersion string `json:"groupVersion"`
			} `json:"versions"`
		} `json:"groups"`
	}
	if err := s.get("/apis", &groups); err != nil {
		return err
	}
	paths := map[string]string{"v1": "/api/v1"}
	for _, group := range groups.Groups {
		for _, version := range group.Versions {
			paths[version.GroupVersion] = "/apis/" + version.GroupVersion
		}
	}
	for version, path := range paths {
		var list struct {
			Resources []resource `json:"resources"`
		}
		if err := s.get(path, &list); err != nil {
			return err
		}
		for _, one := range list.Resources {
			if !strings.Contains(one.Name, "/") {
				one.path = path
				s.resources[version+" "+one.Kind] = one
			}
		}
	}
	if len(s.resources) < 40 {
		return fmt.Errorf("%s serves %d kinds only", s.url, len(s.resources))
	}
	return nil
}

func (s *server) get(path string, into any) error {
	status, body, err := s.do(http.MethodGet, path, nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("GET %s: status %d", path, status)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

func (s *server) do(method, path string, body []byte) (status int, answer []byte, err error) {
	request, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// find gives the resource of an object and the namespace it goes to.
func (s *server) find(one object) (found resource, namespace string, ok bool) {
	version, _ := one["apiVersion"].(string)
	kind, _ := one["kind"].(string)
	found, ok = s.resources[version+" "+kind]
	if found.Namespaced {
		metadata, _ := one["metadata"].(object)
		if namespace, _ = metadata["namespace"].(string); namespace == "" {
			namespace = "default"
		}
	}
	return found, namespace, ok
}

// refusal is the server's judgement on an object, unlike a failure to ask it.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("status %d: %.200s", r.status, r.message)
}

// dryRun creates an object for show, as `kubectl create --dry-run=server` does, and returns what the server would store.
func (s *server) dryRun(one object) (object, error) {
	found, namespace, _ := s.find(one)
	path := found.path + "/" + found.Name
	if namespace != "" {
		path = found.path + "/namespaces/" + namespace + "/" + found.Name
	}
	body, err := json.Marshal(one)
	if err != nil {
		return nil, err
	}
	status, answer, err := s.do(http.MethodPost, path+"?dryRun=All&fieldValidation=Strict", body)
	if err != nil {
		return nil, err
	}
	switch {
	case status == http.StatusCreated:
		return readBack(answer)
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests:
		var message struct{ Message string }
		_ = json.Unmarshal(answer, &message)
		return nil, &refusal{status, message.Message}
	}
	return nil, fmt.Errorf("POST %s: status %d: %.200s", path, status, answer)
}

// readBack drops what the server makes up anew for every object.
func readBack(answer []byte) (object, error) {
	var stored object
	if err := json.Unmarshal(answer, &stored); err != nil {
		return nil, err
	}
	metadata, ok := stored["metadata"].(object)
	if !ok {
		return nil, errors.New("the answer has no metadata")
	}
	if uid, _ := metadata["uid"].(string); uid != "" {
		// A Job's labels and selector carry it too.
		stored = object{}
		if err := json.Unmarshal(bytes.ReplaceAll(answer, []byte(uid), []byte("UID")), &stored); err != nil {
			return nil, err
		}
		metadata = stored["metadata"].(object)
	}
	for _, key := range []string{"creationTimestamp", "managedFields"} {
		delete(metadata, key)
	}
	if _, generated := metadata["generateName"]; generated {
		delete(metadata, "name")
	}
	return stored, nil
}

// createNamespace makes a namespace so that objects can be judged in it. One that cannot be made refuses its objects before and after.
func (s *server) createNamespace(name string) {
	body, _ := json.Marshal(object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": name}})
	_, _, _ = s.do(http.MethodPost, "/api/v1/namespaces", body)
}

const workers = 4

// candidate is an object of a kind that the server knows.
type candidate struct {
	where         string
	before, after object
}

// judgeOnServer demands that each object which the server accepts before is accepted after and reads back as the same but for the
// pull secrets that the file was given.
func judgeOnServer(s *server, pairs []pair, secret string) (problems []string) {
	allowed := allowedNames(pairs, secret)
	candidates := s.candidates(pairs)
	namespaces := map[string]bool{}
	for _, one := range candidates {
		if _, namespace, _ := s.find(one.before); namespace != "" && !namespaces[namespace] {
			namespaces[namespace] = true
			s.createNamespace(namespace)
		}
	}
	var (
		lock              sync.Mutex
		group             sync.WaitGroup
		accepted, changed int
		next              = make(chan candidate)
	)
	for range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			for one := range next {
				took, differs, err := s.judge(one, allowed)
				lock.Lock()
				if took {
					accepted++
				}
				if took && differs {
					changed++
				}
				if err != nil {
					problems = append(problems, fmt.Sprintf("%s: %v", one.where, err))
				}
				lock.Unlock()
			}
		}()
	}
	for _, one := range candidates {
		next <- one
	}
	close(next)
	group.Wait()
	fmt.Printf("API server: %d built-in objects, %d accepted before and after, %d of them with new pull secrets\n",
		len(candidates), accepted, changed)
	if changed == 0 {
		problems = append(problems, "the API server saw no object with a new pull secret, so nothing was judged")
	}
	return problems
}

// candidates pairs the objects of both trees. Files whose documents do not pair have been reported already.
func (s *server) candidates(pairs []pair) (found []candidate) {
	for _, file := range pairs {
		before, _ := decode(file.before)
		after, _ := decode(file.after)
		for i := 0; i < len(before) && i < len(after); i++ {
			olds, news := items(before[i]), items(after[i])
			for j := 0; j < len(olds) && j < len(news); j++ {
				if _, _, known := s.find(olds[j]); known {
					found = append(found, candidate{fmt.Sprintf("%s: document %d", file.path, i), olds[j], news[j]})
				}
			}
		}
	}
	return found
}

// judge says whether the server takes the object before, and whether it differs after.
func (s *server) judge(one candidate, allowed map[string]bool) (took, differs bool, err error) {
	stored, err := s.dryRun(one.before)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		return false, false, nil // no promise is made
	} else if err != nil {
		return false, false, err
	}
	if reflect.DeepEqual(one.before, one.after) {
		return true, false, nil
	}
	storedAfter, err := s.dryRun(one.after)
	if err != nil {
		return true, true, fmt.Errorf("accepted before, not after: %w", err)
	}
	planned, err := compare(one.before, one.after, allowed)
	if err != nil {
		return true, true, err
	}
	added, err := compare(stored, storedAfter, allowed)
	if err != nil {
		return true, true, fmt.Errorf("reads back otherwise: %w", err)
	}
	if !reflect.DeepEqual(planned, added) {
		return true, true, fmt.Errorf("the file was given %v, the server read %v", planned, added)
	}
	return true, true, nil
}
