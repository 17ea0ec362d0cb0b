// A model that was made before, for every data set; for one that reads vectors the RNAs are embedded as it needs them.
include { gathered   } from './gathered'
include { EMBED_RNAS } from './embed_rnas'

workflow TAKE_MODEL {
    take:
    rnas       // [meta, [key: FASTA, ...], types or []]; a key is the name of a store
    name       // of the model in reports and file names
    parameters

    main:
    given = parameters.get('model')
    model = Model.isBuiltin(given) ? [] : file(given)
    // Shuffled RNAs stand in no store: with those the model embeds by itself.
    embeds = Model.readsVectors(given) && !parameters.get('score_shuffles')
    EMBED_RNAS(
        rnas
            .filter { embeds }
            .flatMap { meta, files, types ->
                files.collect { key, fasta -> [meta + [name: key, model: given, whole: meta, blocks: files.size()], fasta, types, model] }
            },
        parameters,
    )
    without = rnas.filter { !embeds }.map { meta, _files, _types -> [meta, [], []] }

    emit:
    models   = gathered(EMBED_RNAS.out.store).mix(without).map { meta, vectors, ids -> // [meta + name, model or [], vectors or [], ids or [], []]
        [meta + [name: name, model: given], model, vectors, ids, []]
    }
    versions = EMBED_RNAS.out.versions
}
