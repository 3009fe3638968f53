package main

import (
	"errors"
	"slices"

	"github.com/wimigrate/wimigrate/catalog"
)

// Exit statuses beside 0.
const (
	exitFailed     = 1
	exitUsage      = 2
	exitBlocking   = 3
	exitIncomplete = 8
)

// distinct lists joined errors, without those that another one has told already.
func distinct(err error, told []error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			told = distinct(e, told)
		}
		return told
	}
	if err == nil || slices.ContainsFunc(told, func(e error) bool { return errors.Is(err, e) }) {
		return told
	}
	return append(told, err)
}

// fatal reports whether an error beside a result is more than clusters that could not be read: those are in the coverage.
func fatal(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.ContainsFunc(joined.Unwrap(), fatal)
	}
	_, unread := errors.AsType[*catalog.ClusterError](err)
	return err != nil && !unread
}

// exitCode tells incomplete coverage from blocking findings; the first outranks the second, since nobody knows what it hides. A cluster
// whose issuer is not known is incomplete too: its needs are not federated.
func (r *result) exitCode() (code int, why string) {
	for _, cl := range r.Catalog.Clusters {
		if !cl.Coverage.Complete {
			return exitIncomplete, "coverage is incomplete: see the findings coverage-gap and malformed-object , first of " + cl.Name
		}
	}
	for _, f := range r.findings() {
		if f.Code == catalog.CoverageGap && f.Severity == catalog.Error {
			return exitIncomplete, "coverage is incomplete: " + f.Cluster + ": " + f.Message
		}
	}
	for _, f := range r.findings() {
		if f.Severity == catalog.Blocking {
			return exitBlocking, "a finding blocks: " + string(f.Code) + " of " + f.Object
		}
	}
	return 0, ""
}
