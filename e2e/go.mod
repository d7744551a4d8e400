module github.com/nube-run/nube/e2e

go 1.26
