package federation

// Rate is how many requests per second a service takes; 0 is no limit.
type Rate struct {
	Tenant, Subscription, Identity float64
}

// Rates are the limits of the three operations of a Store.
type Rates struct {
	List, Put, Delete Rate
}

// ARMRates returns the published throttling limits of user-assigned identities, which count for their credentials too: one write to
// an identity per 4 s (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations#throttling-limits).
func ARMRates() Rates {
	write := Rate{Tenant: 10, Subscription: 2, Identity: 0.25}
	return Rates{List: Rate{Tenant: 15, Subscription: 5, Identity: 0.25}, Put: write, Delete: write}
}

// GraphRates returns rates for app registrations that stay at half of the 3,000 writes in 150 s that Microsoft Graph grants an
// application in a tenant (https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits). Writes to one
// application are spaced by a second, since each has to reach all replicas of the directory.
func GraphRates() Rates {
	write := Rate{Tenant: 10, Identity: 1}
	return Rates{List: Rate{Tenant: 20}, Put: write, Delete: write}
}
