package render

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// ArgoCDOptions are the choices of [ArgoCD]; RepoURL is required.
type ArgoCDOptions struct {
	// RepoURL of the Git repository that will hold the files.
	RepoURL string
	// Revision to follow. Empty: HEAD.
	Revision string
	// Path is the folder of the repository into which the files are written. Empty: its root.
	Path string
	// Project of the applications. Empty: default.
	Project string
	// Namespace of Argo CD itself. Empty: argocd.
	Namespace string
	// Server is the API server to deploy to: the cluster that runs the operator. Empty: the one that runs Argo CD.
	Server string
	// DestinationNamespace for objects that name none.
	DestinationNamespace string
}

// ArgoCD renders an Application per folder of files that has a Kustomization: what [ASO] and [Crossplane] return. Applications heal
// themselves and never prune, so that what is gone from Git is not deleted from Azure. The result is the applications alone, below
// argocd/, with a kustomization of their own.
func ArgoCD(files Files, opts ArgoCDOptions) (Files, error) {
	if opts.RepoURL == "" {
		return nil, errors.New("render: argocd: the URL of the repository is required")
	}
	set(&opts.Revision, "HEAD")
	set(&opts.Project, "default")
	set(&opts.Namespace, "argocd")
	set(&opts.Server, "https://kubernetes.default.svc")
	text := checker{}
	text.check(opts.RepoURL, opts.Revision, opts.Path, opts.Project, opts.Namespace, opts.Server, opts.DestinationNamespace)
	if err := text.err(); err != nil {
		return nil, err
	}
	return reconcilers("argocd", files, func(name, folder string) object {
		destination := object{"server": opts.Server}
		if opts.DestinationNamespace != "" {
			destination["namespace"] = opts.DestinationNamespace
		}
		return object{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
			"metadata": object{"name": name, "namespace": opts.Namespace},
			"spec": object{
				"project":     opts.Project,
				"source":      object{"repoURL": opts.RepoURL, "targetRevision": opts.Revision, "path": path.Join(opts.Path, folder)},
				"destination": destination,
				"syncPolicy":  object{"automated": object{"prune": false, "selfHeal": true}},
			},
		}
	})
}

// FluxOptions are the choices of [Flux]. The zero value is ready to use.
type FluxOptions struct {
	// Source is the name of the GitRepository. Empty: flux-system.
	Source string
	// Namespace of the Kustomizations and the source. Empty: flux-system.
	Namespace string
	// Path is the folder of the repository into which the files are written. Empty: its root.
	Path string
	// Interval between reconciliations, as Flux writes it. Empty: 10m.
	Interval string
	// TargetNamespace for objects that name none.
	TargetNamespace string
}

// Flux renders a Flux Kustomization per folder of files that has a kustomization: what [ASO] and [Crossplane] return. They never prune,
// so that what is gone from Git is not deleted from Azure. The result is the Kustomizations alone, below flux/.
func Flux(files Files, opts *FluxOptions) (Files, error) {
	var o FluxOptions
	if opts != nil {
		o = *opts
	}
	set(&o.Source, "flux-system")
	set(&o.Namespace, "flux-system")
	set(&o.Interval, "10m")
	text := checker{}
	text.check(o.Source, o.Namespace, o.Path, o.Interval, o.TargetNamespace)
	if err := text.err(); err != nil {
		return nil, err
	}
	return reconcilers("flux", files, func(name, folder string) object {
		spec := object{
			"interval": o.Interval, "prune": false, "wait": true,
			"path":      "./" + path.Join(o.Path, folder),
			"sourceRef": object{"kind": "GitRepository", "name": o.Source},
		}
		if o.TargetNamespace != "" {
			spec["targetNamespace"] = o.TargetNamespace
		}
		return object{
			"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
			"metadata": object{"name": name, "namespace": o.Namespace}, "spec": spec,
		}
	})
}

func set(option *string, value string) {
	if *option == "" {
		*option = value
	}
}

// reconcilers writes one object per folder that a reconciler can build by itself: components are left to whoever includes them.
func reconcilers(tool string, files Files, make func(name, folder string) object) (Files, error) {
	out := Files{}
	var names []string
	for _, name := range files.Paths() {
		if path.Base(name) != "kustomization.yaml" {
			continue
		}
		var o struct {
			Kind string `json:"kind"`
		}
		if err := yaml.Unmarshal(files[name], &o); err != nil {
			return nil, fmt.Errorf("render: %s: %w", name, err)
		}
		if o.Kind != "Kustomization" {
			continue
		}
		folder := path.Dir(name)
		object := objectName("federation-" + strings.ReplaceAll(folder, "/", "-"))
		text, err := documents("folder "+folder, make(object, folder))
		if err != nil {
			return nil, err
		}
		names = append(names, object+".yaml")
		out[tool+"/"+object+".yaml"] = text
	}
	if len(names) == 0 {
		return out, nil
	}
	slices.Sort(names)
	var err error
	out[tool+"/kustomization.yaml"], err = kustomization("the objects of "+tool, "", names...)
	return out, err
}
