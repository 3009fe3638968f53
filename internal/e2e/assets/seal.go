package assets

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
)

// seal is the file that says what a program in the cache was when it was built: its size, the time of its last change, and its checksum.
func seal(path string) string { return path + ".sha256" }

// sealUp writes a program's seal.
func sealUp(path string) error {
	sum, err := checksum(path)
	if err != nil {
		return err
	}
	shape, err := shapeOf(path)
	if err != nil {
		return err
	}
	return os.WriteFile(seal(path), []byte(shape+" "+sum), 0o644)
}

// intact reports whether the program is there and is what was built. Reading half a gigabyte for each fleet would cost more than some
// fleets do, so the checksum is computed only where the file has changed in size or time.
func intact(path string) bool {
	said, err := os.ReadFile(seal(path))
	if err != nil {
		return false
	}
	shape, err := shapeOf(path)
	if err != nil {
		return false
	}
	if strings.HasPrefix(string(said), shape+" ") {
		return true
	}
	_, want, _ := strings.Cut(string(said), " ")
	got, err := checksum(path)
	return err == nil && got == want && sealUp(path) == nil
}

// shapeOf is the size of a file and the time of its last change, in a word.
func shapeOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d@%d", info.Size(), info.ModTime().UnixNano()), nil
}

func checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
