// The tables of published protocols, repeated on every data set.
include { CUPID_REPRODUCE } from '../modules/cupid_reproduce'

workflow REPRODUCE {
    take:
    datasets   // [meta, row]: the files of a data set by column of the samplesheet
    parameters

    main:
    recipes = channel.fromList(parameters.list('recipes')).map { recipe ->
        recipe.endsWith('.toml') ? [file(recipe).baseName, file(recipe)] : [recipe, []]
    }
    CUPID_REPRODUCE(
        datasets.combine(recipes).map { meta, row, name, recipe ->
            [meta + [name: name], row.fasta, row.pairs, row.types ?: [], row.groups ?: [], recipe]
        },
        parameters.options('cupid-reproduce'),
    )

    emit:
    versions = CUPID_REPRODUCE.out.versions
}
