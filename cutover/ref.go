package cutover

// Ref names one object of a cluster, and the incarnation meant where UID is set.
type Ref struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
	UID        string `json:"uid,omitempty"`
}

// String returns Kind/name.
func (r Ref) String() string { return r.Kind + "/" + r.Name }

// Same reports whether two references name the same object, whatever its incarnation.
func (r Ref) Same(o Ref) bool {
	r.UID, o.UID = "", ""
	return r == o
}

// Selection names the objects of one kind to list or watch. An empty Namespace means all of them; an empty Labels, any label.
type Selection struct {
	APIVersion string
	Kind       string
	Namespace  string
	// Labels is a label selector such as "app=web".
	Labels string
	// Name restricts to one object.
	Name string
}
