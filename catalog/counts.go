package catalog

// Counts sums up a catalog. Every sum over a map or a slice equals the total beside it.
type Counts struct {
	Clusters int `json:"clusters"`
	// Incomplete are the clusters of which some read failed.
	Incomplete int              `json:"incomplete"`
	Needs      int              `json:"needs"`
	ByState    map[State]int    `json:"byState"`
	Findings   int              `json:"findings"`
	BySeverity map[Severity]int `json:"bySeverity"`
	ByCode     map[Code]int     `json:"byCode"`
	// Namespaces, ServiceAccounts and Workloads are those with needs, each counted in every cluster that has it; Identities are
	// counted once for the fleet.
	Namespaces      int            `json:"namespaces"`
	ServiceAccounts int            `json:"serviceAccounts"`
	Workloads       int            `json:"workloads"`
	Identities      int            `json:"identities"`
	PerCluster      []ClusterCount `json:"perCluster"`
}

// ClusterCount is the share of one cluster.
type ClusterCount struct {
	Cluster  string `json:"cluster"`
	Needs    int    `json:"needs"`
	Findings int    `json:"findings"`
}

// Counts counts. Needs and findings of clusters that the catalog does not list are in the totals and in no ClusterCount; Reconcile
// makes none.
func (c *Catalog) Counts() Counts {
	out := Counts{
		Clusters: len(c.Clusters), Needs: len(c.Needs), Findings: len(c.Findings),
		ByState: map[State]int{}, BySeverity: map[Severity]int{}, ByCode: map[Code]int{},
		PerCluster: make([]ClusterCount, 0, len(c.Clusters)),
	}
	findings := map[string]int{}
	for _, f := range c.Findings {
		out.BySeverity[f.Severity]++
		out.ByCode[f.Code]++
		findings[f.Cluster]++
	}
	type account struct {
		Place
		name string
	}
	accounts := map[account]bool{}
	for _, n := range c.Needs {
		out.ByState[n.State]++
		accounts[account{Place{n.Cluster, n.Namespace}, n.ServiceAccount}] = true
	}
	out.ServiceAccounts = len(accounts)
	for cluster, needs := range c.ByCluster() {
		if !cluster.Coverage.Complete {
			out.Incomplete++
		}
		out.PerCluster = append(out.PerCluster, ClusterCount{cluster.Name, len(needs), findings[cluster.Name]})
	}
	for range c.ByNamespace() {
		out.Namespaces++
	}
	for range c.ByWorkload() {
		out.Workloads++
	}
	for range c.ByIdentity() {
		out.Identities++
	}
	return out
}

// Complete reports whether every read of every cluster succeeded. Without it the catalog may lack needs.
func (c *Catalog) Complete() bool {
	for _, cluster := range c.Clusters {
		if !cluster.Coverage.Complete {
			return false
		}
	}
	return true
}
