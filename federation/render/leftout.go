package render

import (
	"fmt"
	"strings"
)

// LeftOut is an entry that was not rendered.
type LeftOut struct {
	Cluster string
	// Object is what the entry is about: an identity and its credential, or a Kubernetes object.
	Object string
	Reason string
}

// LeftOutError comes back beside the files and lists every entry that is not in them.
type LeftOutError struct {
	Format string
	Items  []LeftOut
}

// Error names all entries.
func (e *LeftOutError) Error() string {
	lines := make([]string, len(e.Items))
	for i, item := range e.Items {
		lines[i] = fmt.Sprintf("%s: %s: %s", item.Cluster, item.Object, item.Reason)
	}
	return fmt.Sprintf("render: %s: %d left out:\n  %s", e.Format, len(e.Items), strings.Join(lines, "\n  "))
}

// leftOutList collects entries; err is nil when there are none.
type leftOutList struct {
	format string
	items  []LeftOut
}

func (l *leftOutList) add(e entry, reason string) {
	l.items = append(l.items, LeftOut{Cluster: e.cluster.Name, Object: e.identity.ID() + ": credential " + e.cred.Name, Reason: reason})
}

func (l *leftOutList) err() error {
	if len(l.items) == 0 {
		return nil
	}
	return &LeftOutError{Format: l.format, Items: l.items}
}

// TextError says that names hold characters that no file should: control characters, line separators, invisible or ill-formed text, or
// text that is not in Unicode's normal form C. Nothing was rendered.
type TextError struct {
	// Values are the offending texts, each once, sorted.
	Values []string
}

// Error shows the values quoted.
func (e *TextError) Error() string {
	quoted := make([]string, len(e.Values))
	for i, v := range e.Values {
		quoted[i] = fmt.Sprintf("%+q", v)
	}
	return "render: text that is not printable: " + strings.Join(quoted, ", ") + "; mend it at its source"
}
