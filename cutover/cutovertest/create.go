package cutovertest

// Create stores any object, as an actor outside the cutover would.
func (c *Cluster) Create(object map[string]any) {
	c.begin()
	defer c.fleet.mu.Unlock()
	c.touched(c.create(deepCopy(object), "kubectl-client-side-apply"))
}
