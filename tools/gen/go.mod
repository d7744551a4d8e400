module github.com/nube-run/nube/tools/gen

go 1.26
