package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Naming returns the command lines, by process ID, of all processes but this one whose command line contains the text: of a folder, those
// that work in it. It reads /proc, which only Linux has.
func Naming(text string) (map[int]string, error) {
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(all) == 0 {
		return nil, fmt.Errorf("process: /proc does not show what runs: %w", os.ErrNotExist)
	}
	found := map[int]string{}
	for _, file := range all {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		line := strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && pid != os.Getpid() && strings.Contains(line, text) {
			found[pid] = line
		}
	}
	return found, nil
}
