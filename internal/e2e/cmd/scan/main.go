// Command scan reads the catalog of the fleet file it is given and prints how many needs it found: the reader that the live benchmark sets
// against kubectl, in a process of its own so that its memory can be told.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/wimigrate/wimigrate/catalog"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: scan fleet.yaml")
	}
	loaded, err := catalog.LoadFleet(args[0])
	if err != nil {
		return err
	}
	cat, err := catalog.Scan(ctx, loaded.Sources(nil), nil)
	if err != nil {
		return err
	}
	fmt.Println(len(cat.Needs))
	return nil
}
