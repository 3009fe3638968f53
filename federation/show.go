package federation

import (
	"bufio"
	"fmt"
	"io"
	"strconv"

	"github.com/wimigrate/wimigrate/catalog"
)

// Count returns how many changes have the action.
func (p *Plan) Count(a Action) int {
	n := 0
	for i := range p.Changes {
		if p.Changes[i].Action == a {
			n++
		}
	}
	return n
}

// Show writes the plan as text for a reviewer: what changes on each identity and why, how full it gets, and the findings. What is kept is
// only counted.
func (p *Plan) Show(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "Federation plan, topology %s: %d to create, %d to replace, %d to delete, %d kept, on %d identities.\n",
		p.Topology, p.Count(Create), p.Count(Replace), p.Count(Delete), p.Count(Keep), len(p.Identities))
	for id, changes := range p.ByIdentity() {
		showIdentity(out, id, changes)
	}
	showFindings(out, p.Findings)
	return out.Flush()
}

func showIdentity(w io.Writer, id IdentityPlan, changes []Change) {
	pending := 0
	for i := range changes {
		if changes[i].Action != Keep {
			pending++
		}
	}
	if pending == 0 && id.Blocked == "" {
		return
	}
	note := ""
	switch {
	case id.Blocked != "":
		note = ", BLOCKED: " + id.Blocked
	case id.Proposed:
		note = ", to be created first, with its role assignments"
	case id.Unread:
		note = ", not read: taken for empty"
	}
	fmt.Fprintf(w, "\n%s (%d → %d of %d, %d of others%s)\n", printable(id.ID), id.Have, id.After, MaxCredentials, id.Foreign, note)
	for i := range changes {
		showChange(w, &changes[i])
	}
	for _, s := range id.Split {
		fmt.Fprintf(w, "  split: %s with %d credentials for %d service accounts\n", printable(s.Identity), s.Credentials, len(s.ServiceAccounts))
	}
}

func showChange(w io.Writer, c *Change) {
	sign := map[Action]string{Create: "+", Replace: "~", Delete: "-"}[c.Action]
	if sign == "" {
		return
	}
	fmt.Fprintf(w, "  %s %s\n", sign, printable(c.Credential.Name))
	was := Credential{}
	if c.Action == Replace && c.Before != nil {
		was = *c.Before
	}
	line := func(key, value, before string) {
		if before != "" && before != value {
			value = before + " → " + value
		}
		fmt.Fprintf(w, "      %-9s %s\n", key, printable(value))
	}
	line("issuer", c.Credential.Issuer, was.Issuer)
	line("subject", c.Credential.Subject, was.Subject)
	line("audience", c.Credential.Audience, was.Audience)
	if c.Why != "" {
		line("why", c.Why, "")
	}
}

func showFindings(w io.Writer, findings []catalog.Finding) {
	if len(findings) > 0 {
		fmt.Fprintf(w, "\nFindings:\n")
	}
	for _, f := range findings {
		where := f.Object
		if f.Namespace != "" {
			where = f.Namespace + "/" + where
		}
		if f.Cluster != "" {
			where = f.Cluster + "/" + where
		}
		fmt.Fprintf(w, "  %-8s %s %s\n           %s\n           → %s\n", f.Severity, f.Code, printable(where), printable(f.Message), printable(f.Remedy))
	}
}

// printable keeps what would move the cursor or turn the text around out of a terminal.
func printable(s string) string {
	clean := true
	for _, r := range s {
		clean = clean && strconv.IsPrint(r)
	}
	if clean {
		return s
	}
	return strconv.QuoteToGraphic(s)
}
