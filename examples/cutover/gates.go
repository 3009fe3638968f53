package main

import (
	"context"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation/armfic"
)

// gates are those of a real run, with the library's defaults.
func gates() cutover.Gates {
	return cutover.DefaultGates(&cutover.GateOptions{Preflight: &cutover.PreflightOptions{EntraClock: entraClock}})
}

// entraClock is what Entra's token endpoint says the time is.
func entraClock(ctx context.Context) (time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, "https://login.microsoftonline.com/", nil)
	if err != nil {
		return time.Time{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return time.Time{}, err
	}
	defer resp.Body.Close()
	return http.ParseTime(resp.Header.Get("Date"))
}

// trust reads from ARM what the identities trust, as whoever az or the environment says that we are.
func trust() (cutover.Trust, error) {
	cred, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, err
	}
	return armfic.NewStore(cred, nil)
}
