package cutover

// blurred names a pod of a scale-out that is over and of which not all was seen, such as a Job's that ended within the second, or one whose
// node went before it was Ready: it did not fail, and will never hold. "" for none.
func (r *loadRun) blurred() string {
	for _, y := range r.sight.tallies {
		for _, b := range y.counted(r.nodes.known) {
			if b.gone && Judge("", b.all(r.o.Calm)...).Result == Inconclusive {
				return podObject(b.pod) + " was gone before it could be judged"
			}
		}
	}
	return ""
}
