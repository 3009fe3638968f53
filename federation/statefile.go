package federation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// identityState is one entry of a state file.
type identityState struct {
	Identity    string       `json:"identity"`
	Credentials []Credential `json:"credentials"`
}

// ReadState reads what identities trust today from JSON, a list with an entry for each identity:
//
//	[{"identity": "/subscriptions/…/userAssignedIdentities/id-api", "credentials": [{"name": …, "issuer": …, "subject": …, "audience": …}]}]
//
// An identity is a resource ID, or the client ID of an application. Letter case of identities means nothing. All that is wrong is
// reported at once, and the state beside the error holds the rest: entries that cannot be used are absent, so not read.
func ReadState(text []byte) (State, error) {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))) // PowerShell marks what it writes
	dec.DisallowUnknownFields()
	var raw []identityState
	if err := dec.Decode(&raw); err != nil {
		return nil, fmt.Errorf("federation: federated credentials: byte %d: %w; want [{\"identity\", \"credentials\": [{\"name\", \"issuer\", \"subject\", \"audience\"}]}]", dec.InputOffset(), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("federation: federated credentials: byte %d: there is more after the list", dec.InputOffset())
	}
	state := State{}
	var errs []error
	for i, entry := range raw {
		key := strings.ToLower(entry.Identity)
		_, twice := state[key]
		switch {
		case key == "":
			errs = append(errs, fmt.Errorf("federation: federated credentials: entry %d names no identity", i))
		case twice:
			errs = append(errs, fmt.Errorf("federation: federated credentials: entry %d: %s is listed twice; join the two lists", i, entry.Identity))
		default:
			state[key] = append([]Credential{}, entry.Credentials...)
		}
	}
	return state, errors.Join(errs...)
}

// Encode returns the state in the form that ReadState reads, sorted by identity.
func (s State) Encode() ([]byte, error) {
	entries := make([]identityState, 0, len(s))
	for _, key := range slices.Sorted(maps.Keys(s)) {
		entries = append(entries, identityState{key, append([]Credential{}, s[key]...)})
	}
	out, err := json.MarshalIndent(entries, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(out, '\n'), nil
}
