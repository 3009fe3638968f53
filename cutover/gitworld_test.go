package cutover_test

import (
	"context"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// kustomization makes the Flux Kustomization that deploys namespace shop.
func kustomization(c *cutovertest.Cluster) {
	c.Create(map[string]any{
		"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
		"metadata": map[string]any{"name": "shop", "namespace": "flux-system"}, "spec": map[string]any{"interval": "10m"},
	})
}

// committing is a Publisher whose changes are merged, and applied by their tool, a minute later.
func committing(c *cutovertest.Cluster) func(context.Context, cutover.Publication) error {
	return func(_ context.Context, x cutover.Publication) error {
		c.After(time.Minute, func(s *cutovertest.Script) { merge(s, x) })
		return nil
	}
}

// merge is the change of a publication as its tool applies it.
func merge(s *cutovertest.Script, x cutover.Publication) {
	s.Edit(x.Object.Kind, x.Object.Namespace, x.Object.Name, "kustomize-controller", func(o map[string]any) {
		var patch map[string]any
		if err := yaml.Unmarshal([]byte(x.StrategicMerge), &patch); err != nil {
			panic(err) // unreachable: the patch was made by the package
		}
		mergeMaps(o, patch)
	})
}

// mergeMaps is a strategic merge of maps: a null removes.
func mergeMaps(into, patch map[string]any) {
	for k, v := range patch {
		next, isMap := v.(map[string]any)
		at, there := into[k].(map[string]any)
		switch {
		case v == nil:
			delete(into, k)
		case isMap && there:
			mergeMaps(at, next)
		case isMap:
			at = map[string]any{}
			mergeMaps(at, next)
			into[k] = at
		default:
			into[k] = v
		}
	}
}
