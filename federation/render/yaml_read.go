package render

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/federation"
)

// ReadYAML reads back the credentials in the .yaml and .yml files that [ASO] and [Crossplane] rendered, with references to issuers
// resolved by the given map from cluster name to issuer: a ConfigMap by its name and key, an observed cluster by the composite resource.
// ConfigMap of the options must be the one that was rendered with. Other objects are passed over. The result is sorted; what cannot be
// read or resolved is an error that names the file, and the rest comes back beside it.
func ReadYAML(files Files, issuers map[string]string, opts *ASOOptions) ([]Trust, error) {
	configMap := defaultConfigMap
	if opts != nil && opts.ConfigMap != nil {
		configMap = opts.ConfigMap
	}
	r := &yamlReader{
		issuers: issuers, clusters: index(issuers, func(_, i string) string { return i }),
		compositions: index(issuers, func(c, _ string) string { return objectName("trust-" + c) }),
		configMaps: index(issuers, func(c, _ string) string {
			name, key := configMap(c)
			return name + "/" + key
		}),
	}
	var out []Trust
	var errs []error
	for _, name := range files.Paths() {
		if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" {
			continue
		}
		for n, doc := range splitDocuments(files[name]) {
			found, err := r.document(doc)
			if err != nil {
				errs = append(errs, fmt.Errorf("render: %s, document %d: %w", name, n+1, err))
			}
			out = append(out, found...)
		}
	}
	sortTrust(out)
	return out, errors.Join(errs...)
}

// splitDocuments cuts a YAML stream at its document markers, which stand at the start of a line and nowhere else. What follows a
// marker on its line belongs to the document.
func splitDocuments(stream []byte) [][]byte {
	out := [][]byte{nil}
	for line := range bytes.Lines(stream) {
		marker := bytes.TrimRight(line, "\r\n")
		if begins := bytes.Equal(marker, []byte("---")) || bytes.HasPrefix(line, []byte("--- ")); begins || bytes.Equal(marker, []byte("...")) {
			out = append(out, nil)
			line = line[len("---"):]
		}
		out[len(out)-1] = append(out[len(out)-1], line...)
	}
	return out
}

// yamlReader finds clusters by name, issuer, composition and ConfigMap; "" stands for several.
type yamlReader struct {
	issuers, clusters, compositions, configMaps map[string]string
}

// wire is what counts of the objects that are read.
type wire struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name        string            `json:"name"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		// Azure Service Operator.
		AzureName string `json:"azureName"`
		Owner     struct {
			ARMID string `json:"armId"`
		} `json:"owner"`
		Audiences        []string `json:"audiences"`
		Issuer           string   `json:"issuer"`
		Subject          string   `json:"subject"`
		IssuerFromConfig *struct {
			Name string `json:"name"`
			Key  string `json:"key"`
		} `json:"issuerFromConfig"`
		// Crossplane.
		ForProvider struct {
			Audience []string `json:"audience"`
			Issuer   string   `json:"issuer"`
			ParentID string   `json:"parentId"`
			Subject  string   `json:"subject"`
		} `json:"forProvider"`
		Pipeline []struct {
			Input struct {
				Resources []struct {
					Base    wire `json:"base"`
					Patches []struct {
						Type string `json:"type"`
						From string `json:"fromFieldPath"`
						To   string `json:"toFieldPath"`
					} `json:"patches"`
				} `json:"resources"`
			} `json:"input"`
		} `json:"pipeline"`
	} `json:"spec"`
}

func (r *yamlReader) document(doc []byte) ([]Trust, error) {
	var o wire
	var head struct {
		APIVersion any `json:"apiVersion"`
	}
	if err := yaml.Unmarshal(doc, &head); err != nil {
		return nil, err
	}
	version, _ := head.APIVersion.(string)
	if !slices.Contains([]string{asoVersion, upboundIdentity, crossplaneVersion}, version) {
		return nil, nil
	}
	if err := yaml.Unmarshal(doc, &o); err != nil {
		return nil, err
	}
	switch {
	case o.APIVersion == asoVersion && o.Kind == "FederatedIdentityCredential":
		return r.aso(&o)
	case o.APIVersion == upboundIdentity && o.Kind == "FederatedIdentityCredential":
		return r.crossplane(&o, o.Spec.ForProvider.Issuer)
	case o.APIVersion == crossplaneVersion && o.Kind == "Composition":
		return r.composition(&o)
	}
	return nil, nil
}

func (r *yamlReader) aso(o *wire) ([]Trust, error) {
	if len(o.Spec.Audiences) != 1 || o.Spec.Owner.ARMID == "" {
		return nil, fmt.Errorf("%s: wants one audience and an owner's armId", o.Metadata.Name)
	}
	t := Trust{Identity: o.Spec.Owner.ARMID, Credential: federation.Credential{
		Name: o.Spec.AzureName, Issuer: o.Spec.Issuer, Subject: o.Spec.Subject, Audience: o.Spec.Audiences[0],
	}}
	if ref := o.Spec.IssuerFromConfig; ref != nil {
		t.Cluster = r.configMaps[ref.Name+"/"+ref.Key]
		if t.Cluster == "" {
			return nil, fmt.Errorf("%s: ConfigMap %s with key %s is no known cluster's", o.Metadata.Name, ref.Name, ref.Key)
		}
		t.Credential.Issuer = r.issuers[t.Cluster]
		return []Trust{t}, nil
	}
	t.Cluster = r.clusters[t.Credential.Issuer]
	return []Trust{t}, nil
}

func (r *yamlReader) crossplane(o *wire, issuer string) ([]Trust, error) {
	p := o.Spec.ForProvider
	if len(p.Audience) != 1 || p.ParentID == "" || issuer == "" {
		return nil, fmt.Errorf("%s: wants one audience, a parentId and an issuer", o.Metadata.Name)
	}
	name := o.Metadata.Annotations["crossplane.io/external-name"]
	if name == "" {
		name = o.Metadata.Name
	}
	return []Trust{{Cluster: r.clusters[issuer], Identity: p.ParentID, Credential: federation.Credential{
		Name: name, Issuer: issuer, Subject: p.Subject, Audience: p.Audience[0],
	}}}, nil
}

// composition reads the credentials of a Composition whose issuer is patched from the cluster that its name stands for.
func (r *yamlReader) composition(o *wire) ([]Trust, error) {
	cluster := r.compositions[o.Metadata.Name]
	var out []Trust
	var errs []error
	for _, step := range o.Spec.Pipeline {
		for _, res := range step.Input.Resources {
			if res.Base.APIVersion != upboundIdentity || res.Base.Kind != "FederatedIdentityCredential" {
				continue
			}
			issuer := res.Base.Spec.ForProvider.Issuer
			for _, p := range res.Patches {
				if p.Type == "FromCompositeFieldPath" && p.From == statusIssuer && p.To == "spec.forProvider.issuer" {
					issuer = r.issuers[cluster]
				}
			}
			found, err := r.crossplane(&res.Base, issuer)
			for i := range found {
				found[i].Cluster = cmp.Or(cluster, found[i].Cluster)
			}
			out, errs = append(out, found...), append(errs, err)
		}
	}
	return out, errors.Join(errs...)
}
