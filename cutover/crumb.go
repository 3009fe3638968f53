package cutover

// Breadcrumbs are annotations on the objects that a unit changes, never in a pod template. A lost journal is rebuilt from them.
const (
	// CrumbAnnotation says which unit of which lineage added fields to the object.
	CrumbAnnotation = "wimigrate.github.io/cutover"
	// UnbindAnnotation says the same of the removal of the old label, with the before-images of what holds the rollout.
	UnbindAnnotation = "wimigrate.github.io/unbind"
)

// Crumb is the JSON value of a breadcrumb.
type Crumb struct {
	Lineage string `json:"lineage"`
	Unit    string `json:"unit"`
	Edit    string `json:"edit"`
	// Fields and Hold are the before-images.
	Fields []Field `json:"fields,omitempty"`
	Hold   []Field `json:"hold,omitempty"`
}
