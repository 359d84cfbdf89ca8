// Command verifiers checks what sentctl exports with the libraries of others alone: nothing here comes from this
// project. Each check ends with one line and code 0, or says on standard error why it refuses, with code 1.
//
//	verifiers key VKEY                           a verifier key, as note.NewVerifier takes it
//	verifiers checkpoint FILE VKEY               a signed checkpoint
//	verifiers inclusion FILE VKEY                a C2SP tlog-proof
//	verifiers consistency FILE VKEY              two tree heads of one history
//	verifiers fork FILE VKEY                     evidence that one key signed two histories
//	verifiers cosignature FILE VKEY WITNESSKEY   a checkpoint that a witness has cosigned
//	verifiers tlog DIR VKEY                      a whole log in the layout of C2SP tlog-tiles
//	verifiers car FILE CID                       a CAR file, block by block
package main

import (
	"fmt"
	"os"
)

type check struct {
	arguments int
	run       func(arguments []string) (string, error)
}

var checks = map[string]check{
	"key":         {1, checkKey},
	"checkpoint":  {2, checkCheckpoint},
	"inclusion":   {2, checkInclusion},
	"consistency": {2, checkConsistency},
	"fork":        {2, checkFork},
	"cosignature": {3, checkCosignature},
	"tlog":        {2, checkTlog},
	"car":         {2, checkCar},
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "which check?")
		os.Exit(2)
	}
	wanted, known := checks[os.Args[1]]
	if !known || len(os.Args) != wanted.arguments+2 {
		fmt.Fprintln(os.Stderr, "no such check, or a wrong number of arguments:", os.Args[1])
		os.Exit(2)
	}
	said, err := wanted.run(os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
	fmt.Println(said)
}
