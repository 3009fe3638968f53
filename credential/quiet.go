package credential

import "context"

// quiet is a context without its parent's values. Values of azcore, such as retry
// options, headers to add or a response to capture, are meant for the caller's own
// request and must not reach the token request inside, least of all when other
// callers share it.
type quiet struct{ context.Context }

// Value implements context.Context.
func (quiet) Value(any) any { return nil }

func withoutValues(ctx context.Context) context.Context { return quiet{ctx} }
