package cutover

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// badDisk fails from its n-th operation on, some times in a row; a write that fails has written half.
type badDisk struct {
	osDisk
	from, times int
	with        error
	seen        int
}

func (d *badDisk) fail() error {
	d.seen++
	if d.seen >= d.from && d.seen < d.from+d.times {
		return d.with
	}
	return nil
}

func (d *badDisk) open(path string) (diskFile, error) {
	f, err := d.osDisk.open(path)
	return &badFile{f, d}, err
}

func (d *badDisk) temp(dir, pattern string) (diskFile, error) {
	if err := d.fail(); err != nil {
		return nil, err
	}
	f, err := d.osDisk.temp(dir, pattern)
	return &badFile{f, d}, err
}

func (d *badDisk) rename(from, to string) error {
	if err := d.fail(); err != nil {
		return err
	}
	return d.osDisk.rename(from, to)
}

func (d *badDisk) syncDir(dir string) error {
	if err := d.fail(); err != nil {
		return err
	}
	return d.osDisk.syncDir(dir)
}

type badFile struct {
	diskFile
	disk *badDisk
}

func (f *badFile) Write(b []byte) (int, error) {
	if err := f.disk.fail(); err != nil {
		n, _ := f.diskFile.Write(b[:len(b)/2])
		return n, err
	}
	return f.diskFile.Write(b)
}

func (f *badFile) Sync() error {
	if err := f.disk.fail(); err != nil {
		return err
	}
	return nil // a real flush takes its time, and what it does to a disk cannot be seen from here
}

// TestAFileJournalOnABadDiskLosesNothingThatItHasTaken lets every operation of the disk fail in turn, once, a few times and for ever: what
// was saved stays saved, what was refused may be there or not, and nothing is ever torn.
func TestAFileJournalOnABadDiskLosesNothingThatItHasTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, with := range []error{syscall.ENOSPC, syscall.EROFS} {
		for _, times := range []int{1, 2, 3, 1000} {
			for from := 1; from <= 20; from++ {
				name := fmt.Sprintf("%d from operation %d, %d times", with, from, times)
				path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
				j, err := openJournal(path, &badDisk{from: from, times: times, with: with})
				if err != nil {
					if !errors.Is(err, with) || errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) {
						t.Errorf("%s: %v", name, err)
					}
					continue
				}
				saved, tried := saves(t, name, j, with)
				if err := j.Close(); err != nil {
					t.Errorf("%s: close: %v", name, err)
				}
				checkReopened(t, name, path, saved, tried)
			}
		}
	}
}

// saves makes a few saves, and says which epoch was the last that was taken, and the last that was tried.
func saves(t *testing.T, name string, j *FileJournal, with error) (saved, tried int64) {
	t.Helper()
	r, err := j.Load(t.Context(), Key{Cluster: "c1", Unit: "u"})
	if err != nil {
		r = &Record{Schema: Schema, Key: Key{Cluster: "c1", Unit: "u"}, State: Planned}
	}
	saved, tried = r.Epoch, r.Epoch
	for range 6 {
		tried++
		epoch := tried
		r.Epoch = epoch
		err := j.Save(t.Context(), r)
		switch {
		case err == nil:
			saved = epoch
		case !errors.Is(err, with) || !strings.Contains(err.Error(), j.path):
			t.Errorf("%s: save %d: %v", name, epoch, err)
		}
		got, err := j.Load(t.Context(), r.Key)
		if saved == 0 && errors.Is(err, ErrNoRecord) {
			continue
		}
		if err != nil || got.Epoch != saved {
			t.Errorf("%s: after save %d: %v, %v, want epoch %d", name, epoch, got, err, saved)
		}
	}
	return saved, tried
}

func checkReopened(t *testing.T, name, path string, saved, tried int64) {
	t.Helper()
	j, err := openJournal(path, &badDisk{from: 1 << 30})
	if err != nil {
		t.Errorf("%s: reopened: %v", name, err)
		return
	}
	defer j.Close()
	left, err := filepath.Glob(path + ".*.new")
	if err != nil || len(left) > 0 {
		t.Errorf("%s: left %v (%v)", name, left, err)
	}
	r, err := j.Load(t.Context(), Key{Cluster: "c1", Unit: "u"})
	if saved == 0 && errors.Is(err, ErrNoRecord) {
		return
	}
	if err != nil || r.Epoch < saved || r.Epoch > tried {
		t.Errorf("%s: reopened: %+v, %v, want an epoch from %d to %d", name, r, err, saved, tried)
	}
}

func TestAFileJournalSaysWhatIsWrongWithItsFile(t *testing.T) {
	dir := t.TempDir()
	good := func(name string, schema int) (string, []byte) {
		path := filepath.Join(dir, name)
		j, err := OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Save(t.Context(), &Record{Schema: schema, Key: Key{Cluster: "c1", Unit: "u"}, State: Planned}); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return path, text
	}
	edited, text := good("edited", Schema)
	if err := os.WriteFile(edited, []byte(strings.Replace(string(text), `"state":"Planned"`, `"state":"Trusted"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	newer, _ := good("newer", Schema+1)
	for _, tc := range []struct {
		name, path, says string
		is               error
	}{
		{"a line edited by hand, the last one even", edited, "it was edited", nil},
		{"a newer version's record", newer, "newer version", ErrSchema},
		{"a folder that is not there", filepath.Join(dir, "nowhere", "journal"), "its lock cannot be made", os.ErrNotExist},
		{"a folder in its place", dir, "is a directory", nil},
	} {
		_, err := OpenJournal(tc.path)
		if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), tc.path) || errors.Is(err, ErrLocked) || tc.is != nil && !errors.Is(err, tc.is) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestAFileJournalOnABadDiskLosesNothingWhileItShrinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, times := range []int{1, 2, 3, 1000} {
		for from := 1; from <= 60; from++ {
			name := fmt.Sprintf("from operation %d, %d times", from, times)
			path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			d := &badDisk{from: 1 << 30, times: times, with: syscall.ENOSPC}
			j, err := openJournal(path, d)
			if err != nil {
				t.Fatal(err)
			}
			d.seen, d.from = 0, from
			saved, tried := int64(0), int64(0)
			for range 4 {
				j.next = 1 // it looks after every save
				s, tr := saves(t, name, j, syscall.ENOSPC)
				saved, tried = max(s, saved), max(tr, tried)
			}
			if err := j.Close(); err != nil {
				t.Errorf("%s: close: %v", name, err)
			}
			checkReopened(t, name, path, saved, tried)
		}
	}
}

// lostName is a disk whose folder is never flushed, so that after a crash the old file has its name again.
type lostName struct {
	osDisk
	lost bool
	old  []byte
}

func (d *lostName) rename(from, to string) error {
	if old, err := os.ReadFile(to); err == nil && d.old == nil {
		d.old = old
	}
	return d.osDisk.rename(from, to)
}

func (d *lostName) syncDir(dir string) error {
	if d.lost {
		return syscall.EIO
	}
	d.old = nil
	return d.osDisk.syncDir(dir)
}

func TestWhatWasSavedAfterAFileJournalShrankSurvivesACrash(t *testing.T) {
	path, d := filepath.Join(t.TempDir(), "journal"), &lostName{}
	j, err := openJournal(path, d)
	if err != nil {
		t.Fatal(err)
	}
	r := &Record{Schema: Schema, Key: Key{Cluster: "c1", Unit: "u"}, State: Planned}
	saved := int64(0)
	for r.Epoch = 1; r.Epoch <= 20; r.Epoch++ {
		d.lost, j.next = r.Epoch > 8, 1
		if err := j.Save(t.Context(), r); err == nil {
			saved = r.Epoch
		} else if !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if d.old == nil || saved == 20 {
		t.Fatalf("the file never shrank without its folder being flushed: saved %d", saved)
	}
	if err := os.WriteFile(path, d.old, 0o600); err != nil { // the crash
		t.Fatal(err)
	}
	if j, err = OpenJournal(path); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if got, err := j.Load(t.Context(), r.Key); err != nil || got.Epoch != saved {
		t.Errorf("%+v, %v, want epoch %d", got, err, saved)
	}
}

func TestAFileJournalStaysSmallHoweverOftenItIsSaved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(path, &badDisk{from: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	records := make([]*Record, 10)
	for i := range records {
		records[i] = &Record{Schema: Schema, Key: Key{Cluster: "c1", Unit: fmt.Sprintf("u%02d", i)}, State: Planned, Reason: strings.Repeat("x", 30<<10)}
	}
	most := int64(0)
	for range 288 { // a day's soak, every five minutes
		for _, r := range records {
			r.Soaked++
			if err := j.Save(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, info.Size())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if most > 4<<20 {
		t.Errorf("records of 300 KiB in all took %d bytes", most)
	}
	if j, err = OpenJournal(path); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for _, want := range records {
		if got, err := j.Load(t.Context(), want.Key); err != nil || got.Soaked != 288 || got.Version != want.Version {
			t.Errorf("%s: %v: soaked %d, version %s, want %s", want.Unit, err, got.Soaked, got.Version, want.Version)
		}
	}
}
