// Command flux-decryptor builds a folder as Flux's kustomize-controller does, with its own generator, build and decryptor, and
// prints what would be applied.
//
//	flux-decryptor KUSTOMIZATION ROOT IDENTITY
//
// KUSTOMIZATION is a file with the Flux Kustomization, whose spec.path is a folder below ROOT, an absolute path; the generator may
// write a kustomization file there, as the controller does in its own copy. IDENTITY is what the Secret of spec.decryption would
// hold as age.agekey.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/kustomize-controller/internal/decryptor"
	generator "github.com/fluxcd/pkg/kustomize"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: flux-decryptor KUSTOMIZATION ROOT IDENTITY")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var object kustomizev1.Kustomization
	if err := yaml.UnmarshalStrict(text, &object); err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	if object.Spec.Decryption == nil || object.Spec.Decryption.SecretRef == nil {
		return fmt.Errorf("%s: it decrypts nothing", args[0])
	}
	identity, err := os.ReadFile(args[2])
	if err != nil {
		return err
	}
	root, err := filepath.EvalSymlinks(args[1])
	if err != nil {
		return err
	}
	out, err := build(&object, root, identity)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(out)
	return err
}

// build follows KustomizationReconciler.generate and .build, in their order.
func build(object *kustomizev1.Kustomization, root string, identity []byte) ([]byte, error) {
	ctx := context.Background()
	folder := filepath.Join(root, object.Spec.Path)
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, err
	}
	if _, err := generator.NewGenerator(root, unstructured.Unstructured{Object: fields}).WriteFile(folder); err != nil {
		return nil, err
	}
	keys := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: object.Spec.Decryption.SecretRef.Name, Namespace: object.Namespace},
		Data:       map[string][]byte{"age.agekey": identity},
	}
	cluster := fake.NewClientBuilder().WithObjects(keys).Build()
	opener, cleanup, err := decryptor.New(cluster, object, decryptor.WithRoot(root))
	if err != nil {
		return nil, err
	}
	defer cleanup()
	if err := opener.ImportKeys(ctx); err != nil {
		return nil, err
	}
	if err := opener.DecryptSources(folder); err != nil {
		return nil, err
	}
	built, err := generator.SecureBuild(root, folder, false)
	if err != nil {
		return nil, err
	}
	for _, resource := range built.Resources() {
		opened, err := opener.DecryptResource(resource)
		if err != nil {
			return nil, err
		}
		if opened == nil {
			continue
		}
		if _, err := built.Replace(resource); err != nil {
			return nil, err
		}
	}
	return built.AsYaml()
}
