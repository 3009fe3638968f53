// Package mark holds the words by which render and lint know each other's text.
package mark

const (
	// Rendered begins the first comment of every rendered file: a file without it is someone else's and is never overwritten.
	Rendered = "Rendered by wimigrate"

	// Literal marks an issuer that was written as a literal on request. It stands in a comment on the line of the issuer or on the
	// line above it.
	Literal = "wimigrate:literal-issuer"

	// Ignore tells lint that a person has decided; the name of a rule and a reason follow it.
	Ignore = "wimigrate:ignore"
)
