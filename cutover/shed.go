package cutover

import (
	"encoding/json"
	"slices"
)

// roomFor is what a record is kept below: a unit of many workloads has many verdicts, and the acts, which a rollback needs, must always fit.
const roomFor = maxRecord / 4

// shed makes room in a record that has outgrown it: evidence that passed goes first, of the oldest verdict first, then evidence that was
// inconclusive. What failed stays, and so do verdicts, reasons and the number of what was shed.
func (r *Record) shed(room int) {
	if !slices.ContainsFunc(r.Verdicts, StepVerdict.maySpare) {
		return // however large it is
	}
	size := jsonSize(r)
	for _, result := range [...]Result{Pass, Inconclusive} {
		for i := range r.Verdicts {
			if size <= room {
				return
			}
			v := &r.Verdicts[i]
			before := jsonSize(v)
			kept := slices.DeleteFunc(slices.Clone(v.Evidence), func(e Evidence) bool { return e.Result == result })
			v.Shed, v.Evidence = v.Shed+len(v.Evidence)-len(kept), kept
			size -= before - jsonSize(v)
		}
	}
}

// maySpare reports whether there is evidence that a full record may lose.
func (v StepVerdict) maySpare() bool {
	return slices.ContainsFunc(v.Evidence, func(e Evidence) bool { return e.Result == Pass || e.Result == Inconclusive })
}

func jsonSize(v any) int {
	text, err := json.Marshal(v)
	if err != nil {
		return 0 // unreachable: records are made of JSON values
	}
	return len(text)
}
