package lint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
)

// WriteSARIF writes the report as a SARIF 2.1.0 log (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), as code scanning services
// take it: one run, ignored findings as suppressed results, gaps as notifications of the tool's execution. The same report gives the
// same bytes.
func WriteSARIF(w io.Writer, r *Report) error {
	run := sarifRun{
		Tool:       sarifTool{Driver: sarifDriver{Name: "wimigrate-lint", InformationURI: "https://github.com/wimigrate/wimigrate"}},
		ColumnKind: "unicodeCodePoints",
		Bases:      map[string]struct{}{"SRCROOT": {}},
		Results:    []sarifResult{},
		Invocations: []sarifInvocation{{
			ExecutionSuccessful: len(r.Gaps) == 0,
		}},
	}
	for _, rule := range rules() {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			ID: string(rule), ShortDescription: sarifText{rule.describe()}, DefaultConfiguration: sarifConfiguration{rule.level()},
		})
	}
	for _, f := range r.Findings {
		run.Results = append(run.Results, sarifResultOf(f))
	}
	for _, g := range r.Gaps {
		run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{
			Level: "warning", Message: sarifText{fmt.Sprintf("%s was not read: %s", g.Resource, g.Reason)},
		})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{
		Schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	})
}

func sarifResultOf(f Finding) sarifResult {
	sum := sha256.Sum256([]byte(string(f.Rule) + "\x00" + f.File + "\x00" + f.Text))
	res := sarifResult{
		RuleID: string(f.Rule), RuleIndex: slices.Index(rules(), f.Rule), Level: f.Level,
		Message: sarifText{f.Message + "; write instead: " + f.Instead},
		Locations: []sarifLocation{{PhysicalLocation: sarifPhysical{
			ArtifactLocation: sarifArtifact{URI: (&url.URL{Path: f.File}).String(), BaseID: "SRCROOT"},
			Region:           sarifRegion{StartLine: f.Line, StartColumn: f.Column, EndColumn: f.EndColumn},
		}}},
		Fingerprints: map[string]string{"issuer/v1": hex.EncodeToString(sum[:16])},
	}
	if f.Ignored {
		res.Suppressions = []sarifSuppression{{Kind: "inSource", Justification: f.Reason}}
	}
	return res
}

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool           `json:"tool"`
	Invocations []sarifInvocation   `json:"invocations"`
	Bases       map[string]struct{} `json:"originalUriBaseIds"`
	ColumnKind  string              `json:"columnKind"`
	Results     []sarifResult       `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID                   string             `json:"id"`
	ShortDescription     sarifText          `json:"shortDescription"`
	DefaultConfiguration sarifConfiguration `json:"defaultConfiguration"`
}

type sarifConfiguration struct {
	Level Level `json:"level"`
}

type sarifInvocation struct {
	ExecutionSuccessful bool                `json:"executionSuccessful"`
	Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Level        Level              `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifLocation struct {
	PhysicalLocation sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	ArtifactLocation sarifArtifact `json:"artifactLocation"`
	Region           sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI    string `json:"uri"`
	BaseID string `json:"uriBaseId"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
	EndColumn   int `json:"endColumn"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Justification string `json:"justification,omitempty"`
}
