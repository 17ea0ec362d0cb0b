// Train every classifier on a data set; for those that read vectors its RNAs are embedded, once for all.
include { EMBED_RNAS  } from './embed_rnas'
include { CUPID_TRAIN } from '../modules/cupid_train'

workflow LEARN {
    take:
    dataset    // [meta, FASTA, types or [], pairs with label and split]
    groups     // [meta, table of relatives or []]
    parameters

    main:
    reads_vectors = parameters.list('classifiers').groupBy { name -> parameters.readsVectors(name) }
    EMBED_RNAS(
        dataset.filter { reads_vectors[true] != null }.map { meta, fasta, types, _pairs -> [meta + [name: 'all'], fasta, types, []] },
        parameters,
    )
    stores = EMBED_RNAS.out.store.map { meta, vectors, ids -> [meta.subMap('id'), vectors, ids] }
    tables = dataset.map { meta, fasta, _types, pairs -> [meta, fasta, pairs] }.join(groups)
    trained = tables
        .map { item -> item + [[], []] }
        .combine(channel.fromList(reads_vectors[false] ?: []))
        .mix(tables.join(stores).combine(channel.fromList(reads_vectors[true] ?: [])))
        .map { meta, fasta, pairs, related, vectors, ids, name -> [meta + [name: name], fasta, pairs, related, vectors, ids] }
        .multiMap { item ->
            inputs: item
            options: parameters.options('cupid-train', [classifier: item[0].name])
        }
    CUPID_TRAIN(trained.inputs, trained.options)

    emit:
    models   = CUPID_TRAIN.out.model // [meta + name, model, vectors or [], ids or [], curves]
        .join(trained.inputs.map { meta, _fasta, _pairs, _related, vectors, ids -> [meta, vectors, ids] })
        .join(CUPID_TRAIN.out.curves)
    versions = EMBED_RNAS.out.versions.mix(CUPID_TRAIN.out.versions)
}
