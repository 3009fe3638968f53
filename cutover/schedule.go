package cutover

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	// scheduleYear is how far ahead a schedule is looked at: what it does within a year it does every year, but for leap days.
	scheduleYear = 366 * 24 * time.Hour
	// scheduleDays is how far a schedule is looked at that is the same every day: over one night.
	scheduleDays = 48 * time.Hour
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
	ahead := scheduleYear
	if everyDay(s) {
		ahead = scheduleDays
	}
	longest, first := time.Duration(0), last
	for n := 0; n == 0 || n < scheduleRuns && last.Sub(first) < ahead; n++ {
		next := s.Next(last)
		if next.IsZero() {
			return 0, fmt.Errorf("schedule %q comes only once", schedule)
		}
		longest, last = max(longest, next.Sub(last)), next
	}
	return longest, nil
}

// everyDay reports whether a schedule is the same every day: each day of each month, in a time zone whose days all have 24 hours.
// A schedule that names no time zone has the one of the instant that it is asked from, which is UTC here.
func everyDay(s cron.Schedule) bool {
	const star = 1 << 63 // the parser's mark of a field that is *
	spec, ok := s.(*cron.SpecSchedule)
	return ok && spec.Dom&spec.Month&spec.Dow&star != 0 && (spec.Location == time.Local || spec.Location == time.UTC)
}
