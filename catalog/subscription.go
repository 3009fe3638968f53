package catalog

import (
	"slices"
	"strings"
)

// readSubscriptionOf reports whether the identities of a resource's subscription were read, so that absence means absence.
func (s *Snapshot) readSubscriptionOf(resourceID string) bool {
	return len(s.ManagedIdentitiesIn) == 0 || slices.Contains(s.ManagedIdentitiesIn, subscriptionOf(resourceID))
}

// subscriptionOf returns the subscription of an ARM resource ID, in lower case, or "".
func subscriptionOf(resourceID string) string {
	parts := strings.Split(strings.ToLower(resourceID), "/")
	if len(parts) > 2 && parts[1] == "subscriptions" {
		return parts[2]
	}
	return ""
}
