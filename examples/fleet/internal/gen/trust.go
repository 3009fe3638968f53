package main

// identityTrust is one entry of fics.json.
type identityTrust struct {
	Identity    string       `json:"identity"`
	Credentials []credential `json:"credentials"`
}

type credential struct {
	Name     string `json:"name"`
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
	Audience string `json:"audience"`
}

// trust is what some identities trust today: a first attempt made by hand, a cluster that was rebuilt since, and AKS's own entry.
func trust(clusters []*cluster) []identityTrust {
	const audience = "api://AzureADTokenExchange"
	first := clusters[0]
	dead := "https://eastus.oic.prod-aks.azure.com/" + tenant + "/" + guid("issuer before the rebuild") + "/"
	return []identityTrust{
		{Identity: first.identityID("id-payments-api"), Credentials: []credential{
			{"payments-by-hand", first.issuer(), "system:serviceaccount:payments:api", audience},
			{"aks-identity-binding", "https://ib.oic.prod-aks.azure.com/" + tenant + "/" + clientID(first.identityID("id-payments-api")),
				"system:serviceaccount:payments:api", "api://AKSIdentityBinding"},
		}},
		{Identity: first.identityID("id-orders-api"), Credentials: []credential{
			{"orders-before-the-rebuild", dead, "system:serviceaccount:orders:api", audience},
			{"orders-retired", first.issuer(), "system:serviceaccount:orders:retired", audience},
		}},
		{Identity: first.identityID("id-orders-ledger"), Credentials: []credential{}},
	}
}
