# SPDX-License-Identifier: Apache-2.0
# git: init, add, commit, branch, merge, log, gc, clone; dates fixed, so that hashes are the same.
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@b HOME=$PWD
export GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
git init -q -b main repo; cd repo || exit 1
for n in 1 2 3 4 5 6; do
    export GIT_AUTHOR_DATE="2020-01-0$n 00:00:00 +0000" GIT_COMMITTER_DATE="2020-01-0$n 00:00:00 +0000"
    mkdir -p d$n; seq 1 $((n * 200)) > d$n/file; echo "change $n" >> log.txt
    git add . && git commit -q -m "commit $n"
done
git log --oneline; git log --stat -1 | tail -n 3
git checkout -q -b side HEAD~2; echo side > side.txt; git add side.txt; git commit -q -m side
git checkout -q main; git merge -q --no-edit side; git log --graph --oneline | head -n 4
git rm -q d1/file; git mv d2/file d2/renamed; git status --short; git commit -q -m moves; git show --stat --oneline HEAD | tail -n 3
git diff HEAD~1 --name-status; git blame -s log.txt | head -n 2; git grep -n 'change 3'
git gc -q; git count-objects -v | grep -E '^(count|packs)'; git fsck --full 2>&1 | tail -n 1
git clone -q . ../copy; cd ../copy; git log --oneline | wc -l; git rev-parse HEAD; git stash list | wc -l
echo x >> log.txt; git stash -q; git status --short | wc -l; git stash pop -q; git status --short; git tag v1; git describe --tags
