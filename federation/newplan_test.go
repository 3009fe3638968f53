package federation_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/federation"
)

func TestNewPlanOfAFleetThatTrustsNothing(t *testing.T) {
	p := mustPlan(t, small(), federation.State{}, nil)
	want := []string{
		"create id-batch wimigrate-aks-eastus_batch_nightly aks-eastus/batch/nightly",
		"create id-payments-eastus wimigrate-aks-eastus_payments_api aks-eastus/payments/api",
		"create id-payments-westeurope wimigrate-aks-westeurope_payments_api aks-westeurope/payments/api",
		"create 99999999-0000-0000-0000-000000000009 wimigrate-aks-eastus_reports_writer aks-eastus/reports/writer",
		"create 99999999-0000-0000-0000-000000000009 wimigrate-aks-westeurope_reports_writer aks-westeurope/reports/writer",
	}
	if diff := cmp.Diff(want, lines(p)); diff != "" {
		t.Error(diff)
	}
	if len(p.Findings) != 0 {
		t.Errorf("findings on a healthy fleet: %v", p.Findings)
	}
	t.Log(p.Inputs, p.Digest())
}
