package cutover

import (
	"testing"
	"time"
)

// The longest time between two runs is not exported: it shows in how long a unit soaks, which no test can wait a year for.
func TestTheLongestGapOfASchedule(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 22, 23, 41, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for _, tc := range []struct {
		name, schedule, zone string
		want                 time.Duration
		fails                bool
	}{
		{name: "every ten minutes", schedule: "*/10 * * * *", want: 10 * time.Minute},
		{name: "every forty minutes begins anew each hour", schedule: "*/40 * * * *", want: 40 * time.Minute},
		{name: "every day, over the night", schedule: "*/15 8-17 * * *", want: 14*time.Hour + 15*time.Minute},
		{name: "once a day", schedule: "41 23 * * *", want: day},
		{name: "once a day in a time zone that the schedule itself names", schedule: "CRON_TZ=Europe/Berlin 0 12 * * *", want: 25 * time.Hour},
		{name: "on working days, over the weekend", schedule: "0 9 * * 1-5", want: 3 * day},
		{name: "every minute of office hours, over the weekend", schedule: "* 8-17 * * MON-FRI", want: 3*day - 10*time.Hour + time.Minute},
		{name: "monthly, over the longest month", schedule: "0 3 1 * *", want: 31 * day},
		{name: "on the 31st, over months that have none", schedule: "0 0 31 * *", want: 61 * day},
		{name: "yearly, over the leap day", schedule: "0 0 1 1 *", want: 366 * day},
		{name: "every minute of one day of the year", schedule: "* * 1 1 *", want: 365*day + time.Minute},
		{name: "by name", schedule: "@weekly", want: 7 * day},
		{name: "in a time zone with a summer time, the night that has 25 hours", schedule: "0 12 * * *", zone: "Europe/Berlin", want: 25 * time.Hour},
		{name: "a day that never comes", schedule: "0 0 30 2 *", fails: true},
		{name: "what is no schedule", schedule: "often", fails: true},
		{name: "a time zone that is none", schedule: "0 0 * * *", zone: "Mars/Olympus", fails: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := longestGap(tc.schedule, tc.zone, from)
			if got != tc.want || (err != nil) != tc.fails {
				t.Errorf("got %s (%v), want %s", got, err, tc.want)
			}
		})
	}
}
