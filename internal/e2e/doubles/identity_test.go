package doubles_test

import (
	"regexp"
	"testing"

	"github.com/wimigrate/wimigrate/internal/e2e/azure"
)

func TestIdentitiesHaveStableAndDistinctGUIDs(t *testing.T) {
	guid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`)
	a, again, b := azure.NewIdentity("rg", "a"), azure.NewIdentity("rg", "a"), azure.NewIdentity("rg", "b")
	if a.ClientID != again.ClientID || a.ClientID == b.ClientID || a.ClientID == azure.TenantID {
		t.Errorf("client IDs %q, %q and %q are not stable and distinct", a.ClientID, again.ClientID, b.ClientID)
	}
	for _, id := range []string{a.ClientID, b.ClientID, azure.TenantID, azure.SubscriptionID} {
		if !guid.MatchString(id) {
			t.Errorf("%q is not a GUID", id)
		}
	}
}
