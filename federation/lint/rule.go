package lint

// Rule names a kind of finding; it never changes meaning.
type Rule string

const (
	// PastedIssuer is the issuer of a cluster written as a literal. Reference the cluster instead.
	PastedIssuer Rule = "pasted-issuer"
	// BuiltIssuer is an AKS issuer put together from parts. Its last part is random: it cannot be derived, only read.
	BuiltIssuer Rule = "built-issuer"
	// UnknownIssuer is a pasted issuer that no cluster of the catalog has: of a cluster that was rebuilt or is gone, or mistyped.
	UnknownIssuer Rule = "unknown-issuer"
	// CommentedIssuer is an issuer in a comment. It configures nothing, but it will be copied.
	CommentedIssuer Rule = "commented-issuer"
	// MarkedLiteral is a literal that package render wrote on request, and that a cluster of the catalog, if one is given, has.
	MarkedLiteral Rule = "marked-literal"
)

// rules lists every rule in the order of SARIF's rule index.
func rules() []Rule {
	return []Rule{PastedIssuer, BuiltIssuer, UnknownIssuer, CommentedIssuer, MarkedLiteral}
}

// describe says in one sentence what a rule is about.
func (r Rule) describe() string {
	switch r {
	case PastedIssuer:
		return "The issuer of a cluster is written as a literal; a rebuilt cluster has another one."
	case BuiltIssuer:
		return "An AKS issuer is put together from parts; its last part is random and can only be read from the cluster."
	case UnknownIssuer:
		return "A pasted issuer belongs to no cluster of the catalog."
	case CommentedIssuer:
		return "An issuer stands in a comment, from where it will be copied."
	case MarkedLiteral:
		return "A literal issuer was rendered on request; it does not follow a rebuilt cluster."
	}
	return string(r)
}

// Level is how much a finding weighs, in SARIF's words.
type Level string

const (
	// LevelError fails the run.
	LevelError Level = "error"
	// LevelNote does not.
	LevelNote Level = "note"
)

func (r Rule) level() Level {
	if r == CommentedIssuer || r == MarkedLiteral {
		return LevelNote
	}
	return LevelError
}
