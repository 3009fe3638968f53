package manifest

import "errors"

// errLongDocument says what a document beyond MaxDocument must be.
var errLongDocument = errors.New("YAML document of more than 4 MiB that is not laid out as kubectl writes a List; write it again with kubectl get -o yaml or -o json")

// long reads a document of more than MaxDocument.
func (s *yamlStream) long() (bool, error) {
	return false, errLongDocument
}
