package cutover

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	// scheduleYear is how far ahead a schedule is looked at: what it does within a year it does every year, but for leap days.
	scheduleYear = 366 * 24 * time.Hour
	// scheduleRuns bounds that for schedules that run every minute.
	scheduleRuns = 366 * 24 * 60
)

// longestGap returns the longest time that passes between two runs of a CronJob's schedule, in a year from an instant on. It reads
// schedules with the parser of the CronJob controller, in its time zone, which is UTC where the CronJob names none.
// https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
func longestGap(schedule, zone string, from time.Time) (time.Duration, error) {
	if zone != "" {
		schedule = "TZ=" + zone + " " + schedule
	}
	s, err := cron.ParseStandard(schedule)
	if err != nil {
		return 0, err
	}
	last := s.Next(from.UTC())
	if last.IsZero() {
		return 0, fmt.Errorf("schedule %q never comes", schedule)
	}
	longest, first := time.Duration(0), last
	for n := 0; n == 0 || n < scheduleRuns && last.Sub(first) < scheduleYear; n++ {
		next := s.Next(last)
		if next.IsZero() {
			return 0, fmt.Errorf("schedule %q comes only once", schedule)
		}
		longest, last = max(longest, next.Sub(last)), next
	}
	return longest, nil
}
