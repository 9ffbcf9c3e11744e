// Program kustomize holds `pullcred list -o json` against the builds of kustomize. A tree is a folder of repositories.
//
//	kustomize generate COUNT SEED TREE    writes random repositories
//	kustomize complete TREE               creates the files that generators name and the tree lacks
//	kustomize claim TREE                  adds a Flux object for every kustomization, so that each is a build root
//	kustomize compare [-with PROGRAM] TREE AS-IT-IS CLAIMED
//	                                      builds every kustomization, by the library if there is no program, and compares with
//	                                      what pullcred lists without and with the claims
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
)

var errUsage = errors.New("usage: kustomize generate COUNT SEED TREE | complete TREE | claim TREE | compare [-with PROGRAM] TREE AS-IT-IS CLAIMED")

func main() {
	// The library speaks to stderr, so `compare` closes that.
	stderr := os.Stderr
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	command, args := args[0], args[1:]
	switch {
	case command == "complete" && len(args) == 1:
		return complete(args[0])
	case command == "claim" && len(args) == 1:
		return claim(args[0])
	case command == "generate" && len(args) == 3:
		count, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		seed, err := strconv.ParseUint(args[1], 10, 64)
		if err != nil {
			return err
		}
		return generate(args[2], count, seed)
	case command == "compare":
		options := flag.NewFlagSet(command, flag.ContinueOnError)
		program := options.String("with", "", "the kustomize program")
		if err := options.Parse(args); err != nil {
			return err
		}
		if options.NArg() != 3 {
			return errUsage
		}
		var lists [2]list
		for n := range lists {
			text, err := os.ReadFile(options.Arg(n + 1))
			if err != nil {
				return err
			}
			if err := json.Unmarshal(text, &lists[n]); err != nil {
				return err
			}
		}
		return compare(options.Arg(0), builder{program: *program}, lists[0], lists[1])
	}
	return errUsage
}
