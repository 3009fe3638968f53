package cutover

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/pause"
)

// OldPathSilent returns a gate that reads the counters of every NMI of the cluster, waits, and reads them again (V4): if the unit's
// namespace caused an operation in between, something still asks IMDS, whatever the pods' environment says. It is the best witness
// there is, since it sees what applications do and not what they were told.
//
// It is inconclusive without an oracle, while an NMI cannot be read or none is found (unless the plan knows that the cluster has no Pod
// Identity, [catalog.ModeNone]), and after one has restarted or left: what it last served is unknown. So it is when a counter grew in a
// namespace that the plan's other units, or blocked ones, share: nobody can tell whose operations those were. Nor can anybody while pods
// that were made before the change live there; but in a single rollout an operation that NMI refused fails, and none refused passes, where
// the oracle counts them ([NMIReading.Refused]); not while a pod with the old label is so young that it may have been refused itself,
// before its identity was assigned.
func OldPathSilent(during time.Duration) Gate {
	const name = "old path silent"
	return func(ctx context.Context, t Target) Verdict {
		if t.Oracle == nil {
			return unseen(name, "V4", "the runner has no PathOracle")
		}
		earlier := leaving(ctx, t)
		before, err := t.Oracle.OldPath(ctx, t.Unit.Cluster, t.Unit.Namespace)
		if err != nil {
			return unseen(name, "V4", err.Error())
		}
		if err := pause.For(ctx, during); err != nil {
			return stopped(Verdict{Gate: name}, err)
		}
		after, err := t.Oracle.OldPath(ctx, t.Unit.Cluster, t.Unit.Namespace)
		if err != nil {
			return unseen(name, "V4", err.Error())
		}
		return Judge(name, silence(ctx, t, before, after, earlier)...)
	}
}

// unseen is the verdict on what could not be looked at.
func unseen(gate, check, why string) Verdict {
	return Judge(gate, Evidence{Check: check, Got: why, Result: Inconclusive})
}

// sharesWith names another unit, or a blocked one, of the same namespace; "" for none.
func (t Target) sharesWith() string {
	for _, u := range t.Plan.Units {
		if u.ID != t.Unit.ID && u.Cluster == t.Unit.Cluster && u.Namespace == t.Unit.Namespace {
			return "unit " + u.ID
		}
	}
	for _, b := range t.Plan.Blocked {
		if b.Cluster == t.Unit.Cluster && b.Namespace == t.Unit.Namespace {
			return fmt.Sprintf("the blocked service accounts %v", b.Accounts)
		}
	}
	return ""
}

// silence compares two readings. An NMI that is new in the second one began to count at zero, so all it served is in its count. Earlier names
// what was leaving the old path at the first.
func silence(ctx context.Context, t Target, before, after []NMIReading, earlier rightful) []Evidence {
	namespace, others := t.Unit.Namespace, t.sharesWith()
	if len(before)+len(after) == 0 {
		return []Evidence{withoutNMI(t)}
	}
	old := map[string]NMIReading{}
	for _, r := range before {
		old[r.Instance] = r
	}
	var out []Evidence
	for _, r := range after {
		e := Evidence{Check: "V4", Object: "NMI on " + r.Node, Want: "no operation for namespace " + namespace, Result: Pass}
		was, known := old[r.Instance]
		delete(old, r.Instance)
		refused, counted := refusedSince(was, r, known)
		switch grown := r.Operations - was.Operations; {
		case grown < 0 || refused < 0:
			e.Result, e.Got = Inconclusive, "its counter fell: it restarted, and what it served before is unknown"
		case grown > 0 && others != "":
			e.Result, e.Got = Inconclusive, fmt.Sprintf("served %d token operations, and %s shares the namespace", grown, others)
		case grown > 0:
			e.Result, e.Got = servedBy(ctx, t, grown, refused, counted, earlier)
		case known:
			e.Got = "its counter stood still"
		default:
			e.Got = "new, and has served nothing"
		}
		out = append(out, e)
	}
	for _, r := range before { // in order: a map would shuffle
		if _, gone := old[r.Instance]; gone {
			out = append(out, Evidence{Check: "V4", Object: "NMI on " + r.Node, Got: "it is gone, and what it served last is unknown", Result: Inconclusive})
		}
	}
	return out
}

// withoutNMI judges that no NMI was found: silence only where the plan knows that the cluster has no Pod Identity. Anywhere else it may run
// under labels that nobody looked for.
func withoutNMI(t Target) Evidence {
	e := Evidence{Check: "V4", Object: "Namespace/" + t.Unit.Namespace, Want: "a reading of every NMI", Result: Inconclusive}
	c := t.Plan.Cluster(t.Unit.Cluster)
	switch {
	case c == nil:
		e.Got = "no NMI was found, and the plan does not know the cluster"
	case c.Mode == catalog.ModeNone:
		e.Result, e.Got = Pass, "no NMI runs in the cluster, and the plan knows of no Pod Identity in it"
	default:
		e.Got = fmt.Sprintf("no NMI was found, though the plan was made for a cluster with Pod Identity (mode %s): give the labels of its pods to NMIPods, "+
			"or plan again if it was removed", c.Mode)
	}
	return e
}

// refusedSince is how many operations an NMI has refused between two readings, if both count them.
func refusedSince(was, now NMIReading, known bool) (n int64, counted bool) {
	switch {
	case now.Refused == nil, known && was.Refused == nil:
		return 0, false
	case !known:
		return *now.Refused, true
	}
	return *now.Refused - *was.Refused, true
}

// servedBy judges an NMI that served the namespace, which pods that are on the old path by right may have asked for. In a single rollout
// they live beside the first pods without the old label, and to those NMI gives no token: so what it refused tells.
func servedBy(ctx context.Context, t Target, grown, refused int64, counted bool, earlier rightful) (Result, string) {
	now, err := users(ctx, t)
	who, young := cmp.Or(now.who, earlier.who), cmp.Or(now.young, earlier.young)
	switch {
	case err != nil:
		return Inconclusive, fmt.Sprintf("served %d token operations, and whose they were is unknown: %v", grown, err)
	case who == "":
		return Fail, fmt.Sprintf("served %d token operations for the namespace", grown)
	case t.strategy().SingleRollout && counted && refused > 0 && young != "":
		return Inconclusive, fmt.Sprintf("refused %d of %d token operations; %s was born moments ago, with the old label, and may have asked before its identity was assigned", refused, grown, young)
	case t.strategy().SingleRollout && counted && refused > 0:
		return Fail, fmt.Sprintf("refused %d of %d token operations: a pod without the old label asks for tokens by the old path", refused, grown)
	case t.strategy().SingleRollout && counted:
		return Pass, fmt.Sprintf("refused none of %d token operations; %s", grown, who)
	}
	return Inconclusive, fmt.Sprintf("served %d token operations, and %s", grown, who)
}
