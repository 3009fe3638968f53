package cutovertest

import (
	"context"
	"fmt"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
)

// signInLog is Entra's sign-in log, which shows things late.
type signInLog struct {
	late time.Duration
	rows []cutover.SignIn
}

// LogSignIns begins a sign-in log that shows a sign-in so much later; real ones take minutes.
func (f *Fleet) LogSignIns(late time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signIns = &signInLog{late: late}
}

// SignIns reads the log: what [cutover.SignIns] takes.
func (f *Fleet) SignIns(ctx context.Context, _ cutover.Target, from, to time.Time) ([]cutover.SignIn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.catchUp()
	if f.signIns == nil {
		return nil, fmt.Errorf("cutovertest: the fleet has no sign-in log; see LogSignIns")
	}
	var out []cutover.SignIn
	for _, s := range f.signIns.rows {
		if shown := s.Time.Add(f.signIns.late); !s.Time.Before(from) && !s.Time.After(to) && !shown.After(f.now) {
			out = append(out, s)
		}
	}
	return out, nil
}

// signedIn writes a row.
func (f *Fleet) signedIn(clientID string, federated bool) {
	if f.signIns == nil {
		return
	}
	row := cutover.SignIn{Time: f.now, AppID: clientID}
	if federated {
		row.FederatedCredentialID = "federated-credential"
	}
	f.signIns.rows = append(f.signIns.rows, row)
}
