package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
)

func main() {
	t := time.Now()
	f, err := catalog.LoadFleet(os.Args[1])
	if err != nil {
		fmt.Println("ERR", err)
	}
	if f == nil {
		return
	}
	cat, err := catalog.Scan(context.Background(), f.Sources(nil), nil)
	if err != nil {
		fmt.Println("ERR", err)
	}
	fmt.Println(time.Since(t))
	n := map[catalog.Code]int{}
	for _, x := range cat.Findings {
		n[x.Code]++
	}
	for _, c := range cat.Clusters {
		fmt.Println(c.Name, c.PodIdentityMode, c.UID, c.Coverage)
	}
	fmt.Println(len(cat.Needs), n)
	if len(os.Args) > 2 {
		b, _ := json.MarshalIndent(cat, "", " ")
		fmt.Println(string(b))
	}
}
