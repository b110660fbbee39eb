# SPDX-License-Identifier: Apache-2.0
# Here-documents of several kinds.
name=world
cat << END
hello $name, $(echo computed), $((6 * 7))
	tab and \$escaped
END
cat << 'END'
nothing is $expanded $(here)
END
cat <<- END
	leading tabs go
		all of them
	END
tr a-z A-Z << END | sort
b
a
c
END
sleep 0.3
while read -r a b; do echo "$b-$a"; done << END
1 one
2 two
3 three four
END
for i in 1 2 3; do
    cat << END
round $i
$(cat << INNER
inner $i
INNER
)
END
    sleep 0.1
done
{ sleep 0.2; cat; } << END
late $(seq 1 2000 | tail -n 1)
$(seq 1 3000 | tr '\n' ' ' | cut -c13000-)
END
