package render

import (
	"bytes"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// object is a Kubernetes object or a part of one.
type object = map[string]any

// document returns an object as YAML with sorted keys. Values hold no line breaks, so every scalar stands on one line.
func document(o object) ([]byte, error) {
	text, err := yaml.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return text, nil
}

// documents joins objects into one stream below the header.
func documents(title string, objects ...object) ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# %s\n# This is %s.\n", header, title)
	for i, o := range objects {
		if i > 0 {
			out.WriteString("---\n")
		}
		text, err := document(o)
		if err != nil {
			return nil, err
		}
		out.Write(text)
	}
	return out.Bytes(), nil
}

// markLiteral puts the mark above every line that sets an issuer, at its indentation.
func markLiteral(text []byte, e entry) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(text) {
		trimmed := bytes.TrimLeft(line, " ")
		if bytes.HasPrefix(trimmed, []byte("issuer: ")) {
			fmt.Fprintf(&out, "%s# %s\n", strings.Repeat(" ", len(line)-len(trimmed)), literalMark(e))
		}
		out.Write(line)
	}
	return out.Bytes()
}

// kustomization lists resources for kustomize.
func kustomization(title, namespace string, resources ...string) ([]byte, error) {
	o := object{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources}
	if namespace != "" {
		o["namespace"] = namespace
	}
	return documents(title, o)
}
